"""PRIVATE to the collection: the pure core.  Text and facts in, values out; see docs/architecture.md for the rooms."""
