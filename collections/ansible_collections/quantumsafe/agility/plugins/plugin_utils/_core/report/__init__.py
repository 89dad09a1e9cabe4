"""Results on disk, one file a host, and what is rebuilt from them for people."""
