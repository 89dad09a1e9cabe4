"""Tunnels of a fleet: which endpoints of which hosts are two ends of one, what they would agree on, what they did, and whether both may move."""
