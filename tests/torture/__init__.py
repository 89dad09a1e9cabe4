"""The transaction guarantee under every fault: `tests/torture/run --help`.

tracer.c    numbers the file-system calls of a process tree and makes one of them fail
machine.py  a host of its own in a folder: a service manager, boots, an uptime, a daemon that remembers what it loaded
scenario.py one good change and the ways in which it goes on after a fault
invariant.py what must be true afterwards
inject.py   every call of every phase, with every fault
storage.py  a file system that forgets what was not synced;  power_loss.py  every crash of a good run on it
rivals.py   a second operator at every call
properties.py  revert(apply(x)) == x
mutants.py  agents with one guard less: for each some proof must fail
lab.py      a spread of faults on real sshd and nginx
links/      both ends of a tunnel, apart from the rest: `tests/torture/links/run --help`
"""
