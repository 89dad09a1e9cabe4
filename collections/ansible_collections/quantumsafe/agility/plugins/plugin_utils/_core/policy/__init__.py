"""The policy language: schema and loading (load.py), what a policy is (model.py), what it means for one target and date (resolve.py)."""
