"""The ledger: who changed what, when, why, under which policy, proved how, undone when.  Pure."""
