"""ssh's own retries send a script again whose first copy is at work on the host: it must not be applied twice."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .conftest import LAB as LAB_COMMAND
from .conftest import Lab, configuration, on

TX = "/var/lib/crypto-agility/tx"

# Between ssh and the host.  Once a good part of the script has gone to the host (and more than all of that which looks), nothing comes back, not even the end of the connection; when
# the host's journal has got to STATE, the connection is cut.  Only the first time: the later ones pass.  A connection that sshd never answers is no
# login: it closes its listening socket while it reads its configuration anew (SIGHUP in sshd(8)), and the second copy may come just then.
PROXY = f"""
import os, socket, subprocess, sys, threading
host, flag, state = sys.argv[1:]
plug, sent = socket.create_connection((host, 22)), 0
def back():
    answered = False
    while data := plug.recv(65536):
        if not answered:
            with open(flag + ".logins", "a") as log: log.write("login\\n")
        answered = True
        if sent < {{threshold}} or os.path.exists(flag): os.write(1, data)
    if sent < {{threshold}} or os.path.exists(flag): os._exit(0)
def cut():
    watch = "until grep -qs ' " + state + " ' {TX}/*/journal; do sleep 0.02; done"
    subprocess.run(["{LAB_COMMAND}", "exec", "web-bare", "timeout", "20", "sh", "-c", watch])
    open(flag, "w").close()
    os._exit(1)
threading.Thread(target=back, daemon=True).start()
while data := os.read(0, 65536):
    before, sent = sent, sent + len(data)
    if before < {{threshold}} <= sent and not os.path.exists(flag): threading.Thread(target=cut).start()
    plug.sendall(data)
"""


@pytest.mark.parametrize("state", ["ARMED", "RELOADED"])
def test_a_connection_that_drops_while_the_change_is_at_work_applies_it_once(lab: Lab, tmp_path: Path, state: str) -> None:
    before, proxy, flag = configuration("web-bare"), tmp_path / "proxy.py", tmp_path / "cut"
    proxy.write_text(PROXY.format(threshold=40000), encoding="utf-8")
    on("web-bare", f"rm -rf {TX}")
    way = f"-o ControlMaster=no -o ControlPath=none -o ProxyCommand='{sys.executable} {proxy} %h {flag} {state}'"
    plan = lab.play("plan", "web-bare").output
    ran = lab.play("enforce", "web-bare", agility_plan=str(plan), agility_campaign="drop", ansible_ssh_retries=3, ansible_ssh_args=way)
    assert flag.exists(), "nothing was cut"
    assert flag.with_suffix(".logins").read_text(encoding="utf-8").count("login") == 4, "look, apply, apply again, confirm"
    assert ran.rc == 0, ran.text
    assert ran.host("web-bare")["status"] == "changed"
    assert on("web-bare", f"ls {TX} | wc -l").strip() == "1"
    states = [line.split()[1] for line in on("web-bare", f"cat {TX}/*/journal").splitlines()]
    assert [states.count(name) for name in ("ARMED", "SWAPPED", "RELOADED", "CLEANED")] == [1, 1, 1, 1]
    assert lab.play("rollback", "web-bare", agility_campaign="drop").rc == 0
    assert configuration("web-bare") == before
