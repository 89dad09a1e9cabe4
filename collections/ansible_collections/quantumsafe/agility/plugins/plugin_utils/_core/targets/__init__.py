"""How a plan reaches a target: a host over Ansible's connection, or a folder of saved files."""
