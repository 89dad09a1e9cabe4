"""The main job on real daemons, judged by clients and checkers that we did not write.  The tests of this module run in order."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from .conftest import ADDRESS, WEB, Lab, configuration, on

BEFORE: dict[str, str] = {}


def test_an_audit_takes_one_round_trip_and_changes_nothing(lab: Lab) -> None:
    BEFORE.update({host: configuration(host) for host in WEB})
    ran = lab.play("audit", "web")
    assert ran.rc == 0, ran.text
    for host in WEB:
        found = ran.host(host)
        assert found["rounds"] == 1
        assert found["findings"]
        assert configuration(host) == BEFORE[host]
    assert ran.host("web-bare")["target"]["os_ID"] == "debian"
    assert on("web-bare", "command -v python3", check=False) == ""
    assert (ran.output / "inventory.csv").read_text(encoding="utf-8").count("\n") == 1 + sum(len(ran.host(h)["endpoints"]) for h in WEB)


def test_what_web_old_lacks_is_unsatisfiable_and_the_way_out_is_named(lab: Lab) -> None:
    ran = lab.play("audit", "web-old", agility_policy="hybrid-required@1")
    finding = next(f for f in ran.host("web-old")["findings"] if f["protocol"] == "tls" and f["aspect"] == "key_exchange")
    assert finding["state"] == "unsatisfiable"
    assert re.search(r"OpenSSL 3\.0\.\d+ has none", finding["message"])
    assert "OpenSSL ≥ 3.5" in finding["remedy"]


def test_the_canary_comes_first(lab: Lab) -> None:
    ran = lab.play("enforce", "web-new", agility_campaign="main")
    assert ran.rc == 0, ran.text
    assert ran.changed("web-new") == 1


def test_the_rest_of_the_fleet_follows_and_says_its_state_afterwards(lab: Lab) -> None:
    ran = lab.play("enforce", "web", agility_campaign="main")
    assert ran.rc == 0, ran.text
    assert {host: ran.changed(host) for host in WEB} == {"web-new": 0, "web-old": 1, "web-legacy": 0, "web-bare": 1, "web-include": 1}
    for host in ("web-bare", "web-include"):
        result = ran.host(host)
        assert result["status"] == "changed"
        assert result["rounds"] == 3, "plan, apply, and confirm over a new connection; the plan task counts, too"
        assert result["evidence"]["connection"] == "fresh connection"
        assert result["evidence"]["kex"]
        assert all(proof["proved"] for proof in result["proofs"])
        assert [line["state"] for line in result["journal"]][-1] == "CLEANED"
        states = {f["state"] for f in result["findings"] if f["aspect"] == "key_exchange"}
        assert states == {"compliant"}


def test_a_second_enforce_touches_nothing(lab: Lab) -> None:
    now = {host: configuration(host) for host in WEB}
    pids = on("web-new", "systemctl show -p MainPID -p StateChangeTimestampMonotonic ssh nginx; journalctl -u nginx -u ssh | grep -c Reload")
    ran = lab.play("enforce", "web", agility_campaign="main")
    assert ran.rc == 0, ran.text
    assert [ran.changed(host) for host in WEB] == [0] * len(WEB)
    assert not (ran.output / "plan.json").exists(), "what there was to do was to be done now, not later"
    assert {host: configuration(host) for host in WEB} == now
    assert on("web-new", "systemctl show -p MainPID -p StateChangeTimestampMonotonic ssh nginx; journalctl -u nginx -u ssh | grep -c Reload") == pids


@pytest.mark.parametrize(("host", "port"), [("web-new", 443), ("web-bare", 443), ("web-include", 443), ("web-include", 8443)])
def test_openssl_s_client_agrees(host: str, port: int) -> None:
    said = on("client", f"echo | openssl s_client -connect {ADDRESS[host]}:{port} 2>/dev/null", check=False)
    assert "Negotiated TLS1.3 group: X25519MLKEM768" in said
    late = on("client", f"echo | openssl s_client -groups '*X25519:X25519MLKEM768' -connect {ADDRESS[host]}:{port} 2>/dev/null", check=False)
    assert "X25519MLKEM768" in late, "a client that sends only the classical share must be asked for the hybrid"
    old = on("client", f"echo | openssl s_client -groups P-256 -connect {ADDRESS[host]}:{port} 2>/dev/null", check=False)
    assert re.search(r"(Peer|Server) Temp Key: ECDH", old), "the classical fallback is kept"


@pytest.mark.parametrize(
    ("host", "kex"), [("web-new", "mlkem768x25519-sha256"), ("web-bare", "mlkem768x25519-sha256"), ("web-old", "sntrup761x25519-sha512")]
)
def test_ssh_and_ssh_audit_agree(host: str, kex: str) -> None:
    said = on("client", f"ssh -vv -o BatchMode=yes -o StrictHostKeyChecking=no {ADDRESS[host]} true 2>&1", check=False)
    assert f"kex: algorithm: {kex}" in said
    assert kex in on("client", f"ssh-audit -n {ADDRESS[host]} 2>&1 || :", check=False)


def test_the_daemons_own_dumps_agree() -> None:
    assert "kexalgorithms mlkem768x25519-sha256,sntrup761" in on("web-include", "sshd -T")
    assert "ssl_ecdh_curve X25519MLKEM768:SecP256r1MLKEM768:SecP384r1MLKEM1024/" in on("web-include", "nginx -T 2>/dev/null")


def test_nothing_of_ours_stays_but_the_snapshot() -> None:
    assert on("web-new", "find / -xdev \\( -name '.*.ca-*' -o -name 'crypto-agility*' \\) -not -path '/proc/*' | sort") == "/var/lib/crypto-agility\n"
    assert on("web-new", "systemctl list-units --all --no-legend 'crypto-agility*'") == ""
    assert on("web-new", "stat -c '%a' /var/lib/crypto-agility; find /var/lib/crypto-agility -type f -not -perm 0600 -not -path '*/old/*'") == "700\n"


def test_a_rollback_of_a_file_that_somebody_changed_is_refused_by_name(lab: Lab) -> None:
    on("web-old", "echo '# mine' >> /etc/ssh/sshd_config")
    ran = lab.play("rollback", "web-old", agility_campaign="main")
    assert ran.rc != 0
    assert "/etc/ssh/sshd_config changed since" in ran.host("web-old")["problem"]["message"]
    forced = lab.play("rollback", "web-old", agility_campaign="main", agility_force=True)
    assert forced.rc == 0, forced.text
    assert configuration("web-old") == BEFORE["web-old"]


def test_a_rollback_is_also_refused_where_the_file_holds_a_secret(lab: Lab) -> None:
    """The controller saw that file redacted, so only the host knows what the change made of it."""
    assert lab.play("rollback", "web-bare", agility_campaign="main").rc == 0
    on("web-bare", "sed -i '1i # password = canary' /etc/nginx/sites-available/site")
    assert lab.play("enforce", "web-bare", agility_campaign="secret").rc == 0
    on("web-bare", "echo '# theirs' >> /etc/nginx/sites-available/site")
    ran = lab.play("rollback", "web-bare", agility_campaign="secret")
    assert ran.rc != 0
    assert "/etc/nginx/sites-available/site changed since" in ran.host("web-bare")["problem"]["message"]
    assert "# theirs" in on("web-bare", "cat /etc/nginx/sites-available/site")
    on("web-bare", "sed -i '$d' /etc/nginx/sites-available/site")
    assert lab.play("rollback", "web-bare", agility_campaign="secret").rc == 0
    on("web-bare", "sed -i 1d /etc/nginx/sites-available/site && touch -d @1767225600 /etc/nginx/sites-available/site && systemctl reload nginx")


def test_rolling_the_campaign_back_restores_every_byte_owner_mode_and_time(lab: Lab) -> None:
    ran = lab.play("rollback", "web", agility_campaign="main")
    assert ran.rc == 0, ran.text
    assert {host: configuration(host) for host in WEB} == BEFORE
    again = lab.play("rollback", "web", agility_campaign="main")
    assert [again.changed(host) for host in WEB] == [0] * len(WEB)


def test_a_saved_plan_is_applied_exactly_and_refused_after_a_change(lab: Lab) -> None:
    planned = lab.play("plan", "web-new")
    on("web-new", "echo '# edited' >> /etc/ssh/sshd_config.d/50-hardening.conf")
    ran = lab.play("enforce", "web-new", agility_plan=str(planned.output), agility_campaign="saved")
    assert ran.rc != 0
    assert ran.host("web-new")["status"] == "refused"
    assert "50-hardening.conf changed since the plan" in ran.host("web-new")["problem"]["message"]
    on("web-new", "sed -i '$d' /etc/ssh/sshd_config.d/50-hardening.conf")
    done = lab.play("enforce", "web-new", agility_plan=str(planned.output), agility_campaign="saved")
    assert done.rc == 0, done.text
    lab.play("rollback", "web-new", agility_campaign="saved")


def test_require_leaves_only_what_is_quantum_safe_and_the_old_is_refused(lab: Lab) -> None:
    ran = lab.play(
        "enforce",
        "web-bare",
        agility_policy="hybrid-required@1",
        agility_campaign="strict",
        agility_ssh_batch_limit=100,
        agility_out_of_band="podman exec",
    )
    assert ran.rc == 0, ran.text
    tls = next(p for p in ran.host("web-bare")["proofs"] if p["endpoint"].startswith("nginx"))
    assert tls["refused"] is True
    classical = on("client", "echo | openssl s_client -groups X25519:P-256 -connect 10.91.0.14:443 2>&1", check=False)
    assert "handshake failure" in classical
    assert "alert protocol version" in on("client", "echo | openssl s_client -tls1_2 -connect 10.91.0.14:443 2>&1", check=False)
    assert "no matching key exchange" in on("client", "ssh -o KexAlgorithms=curve25519-sha256 -o BatchMode=yes 10.91.0.14 true 2>&1", check=False)
    assert lab.play("rollback", "web-bare", agility_campaign="strict").rc == 0


def test_a_folder_that_is_used_again_judges_by_todays_policy(lab: Lab, tmp_path: Path) -> None:
    parent, child, out = tmp_path / "parent.yml", tmp_path / "child.yml", str(tmp_path / "out")
    child.write_text("policy: {name: child, version: 1}\nextends: [parent.yml]\n", encoding="utf-8")
    digests = []
    for version in (1, 2):
        parent.write_text(
            f"policy: {{name: parent, version: {version}}}\nextends: [hybrid-{'transition' if version == 1 else 'required'}@1]\n", encoding="utf-8"
        )
        ran = lab.play("audit", "web-bare", agility_policy=str(child), agility_output=out)
        assert ran.rc == 0, ran.text
        digests.append(json.loads((tmp_path / "out/hosts/web-bare.json").read_text(encoding="utf-8"))["policy"]["digest"])
    assert digests[0] != digests[1]
