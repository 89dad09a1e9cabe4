"""The boot hook without systemd, by a real boot: Debian 12 with sysvinit as PID 1, whose init starts scripts in parallel (startpar)."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Activation

from .container import LAB, Container, original

NGINX = Activation("nginx", ("nginx.service",), (), ("nginx", "-t"), "reload", (80,))
PATH = "/etc/nginx/nginx.conf"


class SystemV(Container):
    def ready(self) -> None:
        until = time.monotonic() + 60
        while self.run("runlevel", check=False) != "N 2" or not self.run("pidof nginx", check=False):
            assert time.monotonic() < until, "the container did not boot"
            time.sleep(0.3)


@pytest.fixture
def sysv() -> Iterator[SystemV]:
    made = subprocess.run([LAB, "image", "sysvinit"], capture_output=True, text=True, check=False, timeout=600)
    assert made.returncode == 0, made.stderr
    container = SystemV("sysv", "sysvinit")
    yield container
    container.remove()


@pytest.mark.parametrize("by", ["the table of init", "the name in rcS.d"])
def test_a_change_that_was_not_confirmed_goes_back_when_the_machine_boots(sysv: SystemV, by: str) -> None:
    assert sysv.run("cat /proc/1/comm; ls -d /run/systemd/system 2>&1 | grep -c No") == "init\n1"
    if by == "the name in rcS.d":  # one script after the other, and an init that knows no other tables
        sysv.run(
            "touch /etc/init.d/.legacy-bootordering; mkdir -p /usr/local/bin; printf '#!/bin/sh\\ncase $* in *inittab.d*) exit 1 ;; esac; exec /bin/grep \"$@\"\\n' >/usr/local/bin/grep; chmod 755 /usr/local/bin/grep"
        )
    before = original(sysv, PATH)
    report = sysv.apply("t-1", sysv.add_line(PATH, "# a comment"), seconds=600, service=NGINX)
    assert (report.state, report.message) == ("RELOADED", "")
    assert original(sysv, PATH) != before
    where = {"the table of init": "/etc/inittab.d", "the name in rcS.d": "/etc/rcS.d"}[by]
    assert sysv.run("find /etc -name '*crypto-agility*' | xargs dirname") == where
    sysv.podman("restart", "-t", "0", sysv.name)
    sysv.ready()
    report = sysv.wait("t-1", "REVERTED", 30)
    assert (report.state, report.journal[-1].detail) == ("REVERTED", "the machine was booted before the change was confirmed")
    assert original(sysv, PATH) == before
    assert sysv.run("find /etc -name '*crypto-agility*' -o -name '.*.ca-*'") == ""
