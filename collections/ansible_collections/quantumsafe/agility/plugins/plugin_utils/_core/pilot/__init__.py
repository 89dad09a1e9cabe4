"""A pilot: what clients of an endpoint met before and after a change, whether that is good enough, and which layer is to blame when not.  Pure."""
