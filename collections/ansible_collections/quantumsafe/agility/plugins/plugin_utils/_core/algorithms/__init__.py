"""What every algorithm is: its attributes, its standard, and how each implementation spells it."""
