"""Reading and judging certificates."""
