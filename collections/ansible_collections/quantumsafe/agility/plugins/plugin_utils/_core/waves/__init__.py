"""Which hosts are changed together, and which before which.  Pure."""
