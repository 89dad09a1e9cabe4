"""Lossless configuration texts, one file a grammar family.  render(parse(x)) == x for every text x."""
