"""Both ends of a tunnel under every loss: `tests/torture/links/run --help`.

points.py   each step of migrate_links and rollback_links, and whatever can be lost there
ends.py     the hosts, past Ansible and past ssh: looked at, put back, cut off, killed; strongswan.py, openvpn.py: what their daemons say
bench.py    one point: a real playbook until the step is reached, the loss, both hosts alone, then one further run
"""
