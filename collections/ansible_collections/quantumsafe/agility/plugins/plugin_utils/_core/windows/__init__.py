"""When a host may be changed, by the windows and freezes of its policy.  Pure: the moment is an argument."""
