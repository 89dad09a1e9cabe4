"""Questions about a policy before it is applied: does it say what its tests expect, why this verdict, what would another one change."""
