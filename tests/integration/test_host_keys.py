"""Host keys of real sshds: new ones beside the old, learnt, the old ones gone, and back; judged by a client of its own (ssh, ssh-keyscan, ssh-audit)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import ADDRESS, FACTS, STATE, Lab, Ran, on
from .conftest import LAB as LAB_COMMAND

KEYS = {"agility_out_of_band": "podman exec", "agility_ssh_batch_limit": 100, "agility_serial": "100%"}
HOSTS = ("web-new", "web-old", "web-legacy", "web-bare")
WITH_KEYS = FACTS.replace("find etc/ssh etc/nginx", "find etc/ssh")


@pytest.fixture(scope="module", autouse=True)
def restored() -> Iterator[None]:
    """Whoever comes next logs in with the keys that the lab made."""
    yield
    subprocess.run([LAB_COMMAND, "reset", *HOSTS], check=True, timeout=120)


@pytest.fixture(autouse=True)
def known() -> Iterator[Path]:
    """The known_hosts of the lab's inventory, as it was, afterwards too."""
    path = STATE / "known_hosts"
    before = path.read_bytes()
    yield path
    path.write_bytes(before)


def rotate(lab: Lab, limit: str, *more: str, **variables: object) -> Ran:
    return lab.play("rotate_host_keys", limit, *more, **{**KEYS, **variables})


def keys_of(host: str) -> dict[str, str]:
    """Type → fingerprint of what sshd uses, as another host on the network sees it."""
    said = on("client", f"ssh-keyscan -T 10 {ADDRESS[host]} 2>/dev/null | ssh-keygen -lf -")
    return {line.split()[-1].strip("()"): line.split()[1] for line in said.splitlines()}


def fingerprints(host: str) -> dict[str, str]:
    said = on(host, "for f in /etc/ssh/ssh_host_*_key.pub; do echo $f $(ssh-keygen -lf $f); done")
    return {line.split()[0]: line.split()[2] for line in said.splitlines()}


def learning(host: str) -> str:
    """What a client says that knows the old keys and asks for further ones."""
    on("client", f"grep '^{ADDRESS[host]},' /etc/ssh/ssh_known_hosts >/tmp/learnt")
    options = "-o UserKnownHostsFile=/tmp/learnt -o GlobalKnownHostsFile=/dev/null -o UpdateHostKeys=yes -o StrictHostKeyChecking=yes"
    said = on("client", f"ssh -vv {options} root@{ADDRESS[host]} true 2>&1")
    return "\n".join(line for line in said.splitlines() if "Learned new hostkey" in line)


def rsa_of(host: str) -> str:
    """The new RSA key of a release that proves it with SHA-1, which clients disregard (before 8.5)."""
    return next(key for path, key in fingerprints(host).items() if "_rsa_20" in path) if host == "web-legacy" else ""


def state(host: str) -> str:
    return on(host, WITH_KEYS)


def test_new_keys_are_learnt_beside_the_old_the_old_go_and_all_comes_back(lab: Lab, known: Path) -> None:
    """On every release of the lab: explicit HostKey lines (web-old), none (the others), no Python (web-bare)."""
    before = {host: state(host) for host in HOSTS}
    used = {host: keys_of(host) for host in HOSTS}
    ran = rotate(lab, ",".join(HOSTS), agility_campaign="expand")
    assert ran.rc == 0, ran.text
    for host in HOSTS:
        assert keys_of(host) == used[host], "who knows the old key alone still gets it"
        new = [print_ for path, print_ in fingerprints(host).items() if "_20" in path]
        assert len(new) == (2 if host == "web-old" else 3)
        told = learning(host)
        assert [key for key in new if key not in told] == [key for key in new if key == rsa_of(host)], told
        assert all(proof["proved"] for proof in ran.host(host)["proofs"] if "why" not in proof)
        assert on(host, "stat -c '%a %U' /etc/ssh/ssh_host_*_20*_key | sort -u").split() == ["600", "root"]
        lines = [line for line in known.read_text().splitlines() if line.startswith(f"{ADDRESS[host]} ")]
        assert len(lines) == len(new)
    again = rotate(lab, ",".join(HOSTS))
    assert again.rc == 0 and all(again.changed(host) == 0 for host in HOSTS), again.text

    middle = {host: state(host) for host in HOSTS}
    gone = rotate(lab, ",".join(HOSTS), agility_phase="contract", agility_campaign="contract")
    assert gone.rc == 0, gone.text
    for host in HOSTS:
        now = keys_of(host)
        assert not set(now.values()) & set(used[host].values())
        assert set(now.values()) == {print_ for path, print_ in fingerprints(host).items() if "_20" in path}, "nothing else is offered"
        assert all(proof["proved"] and proof["host_key"] for proof in gone.host(host)["proofs"])
        kept = on(host, "grep -l PRIVATE /var/lib/crypto-agility/tx/contract-*/old/*").split()
        assert len(kept) == len(used[host]), "until they are forgotten"

    for campaign, was in (("contract", middle), ("expand", before)):
        back = lab.play("rollback", ",".join(HOSTS), agility_campaign=campaign)
        assert back.rc == 0, back.text
        assert {host: state(host) for host in HOSTS} == was


def test_ssh_audit_sees_only_what_was_asked_for(lab: Lab) -> None:
    assert rotate(lab, "web-new", agility_host_keys=["ED25519", "RSA-4096"], agility_campaign="few").rc == 0
    ran = rotate(lab, "web-new", agility_host_keys=["ED25519", "RSA-4096"], agility_phase="contract", agility_campaign="few")
    assert ran.rc == 0, ran.text
    seen = json.loads(on("client", f"ssh-audit -j {ADDRESS['web-new']}", check=False))
    assert {(key["algorithm"], key.get("keysize")) for key in seen["key"]} == {
        ("ssh-ed25519", None), ("rsa-sha2-512", 4096), ("rsa-sha2-256", 4096)
    }  # fmt: skip
    assert lab.play("rollback", "web-new", agility_campaign="few").rc == 0


def test_a_controller_that_does_not_know_the_new_keys_may_not_take_the_old_ones_away(lab: Lab, known: Path) -> None:
    assert rotate(lab, "web-new", agility_campaign="here").rc == 0
    known.write_text("".join(line for line in known.read_text().splitlines(keepends=True) if not line.startswith("10.91.0.11 ")))
    before = state("web-new")
    ran = rotate(lab, "web-new", agility_phase="contract")
    assert ran.rc != 0 and "would not know the host any more" in ran.text and "agility_phase=expand" in ran.text
    assert state("web-new") == before
    shown = rotate(lab, "web-new", "--check", agility_phase="expand")
    assert shown.rc == 0 and shown.changed("web-new") == 1 and "10.91.0.11 " not in known.read_text()
    learnt = rotate(lab, "web-new", agility_phase="expand")
    assert learnt.changed("web-new") == 1 and known.read_text().count("10.91.0.11 ") == 3
    assert lab.play("rollback", "web-new", agility_campaign="here").rc == 0


def test_old_keys_go_only_where_another_way_in_is_named(lab: Lab) -> None:
    assert rotate(lab, "web-new", agility_campaign="way").rc == 0
    ran = rotate(lab, "web-new", agility_phase="contract", agility_out_of_band="")
    assert ran.rc != 0 and "the only way in that is known" in ran.text
    assert lab.play("rollback", "web-new", agility_campaign="way").rc == 0


def test_an_older_campaign_can_be_rolled_back_after_a_rotation(lab: Lab) -> None:
    """And rolling back the first half alone is refused, for the second wrote to the same file since; forced, sshd itself refuses it."""
    before = state("web-new")
    assert lab.play("enforce", "web-new", agility_campaign="older", **KEYS).rc == 0
    for phase in ("expand", "contract"):
        assert rotate(lab, "web-new", agility_phase=phase, agility_campaign=f"keys-{phase}").rc == 0
    keys = keys_of("web-new")
    assert lab.play("rollback", "web-new", agility_campaign="older").rc == 0
    assert keys_of("web-new") == keys
    first = lab.play("rollback", "web-new", agility_campaign="keys-expand")
    assert first.rc != 0 and "changed since" in first.text
    forced = lab.play("rollback", "web-new", agility_campaign="keys-expand", agility_force=True)
    assert forced.rc != 0 and "no hostkeys available" in forced.text
    assert keys_of("web-new") == keys
    for phase in ("contract", "expand"):
        assert lab.play("rollback", "web-new", agility_campaign=f"keys-{phase}").rc == 0
    assert state("web-new") == before


def test_a_key_that_sshd_does_not_take_up_is_taken_back(lab: Lab) -> None:
    """A reload that does nothing: the lines stand in the file, and clients are told of no new key."""
    lame = "/etc/systemd/system/ssh.service.d/lame.conf"
    on(
        "web-new",
        f"mkdir -p {lame.rpartition('/')[0]} && printf '[Service]\\nExecReload=\\nExecReload=/bin/true\\n' >{lame} && systemctl daemon-reload",
    )
    before = state("web-new")
    try:
        ran = rotate(lab, "web-new")
        assert ran.rc != 0 and "was not given it" in ran.text, ran.text
        assert state("web-new") == before and on("web-new", "find /var/lib/crypto-agility/keys -type f") == ""
    finally:
        on("web-new", f"rm -r {lame.rpartition('/')[0]} && systemctl daemon-reload")


def test_no_byte_of_a_host_key_is_on_the_controller_or_in_its_output(lab: Lab) -> None:
    ran = rotate(lab, "web-new", "-vvv", agility_campaign="canary")
    assert ran.rc == 0, ran.text[-3000:]
    body = [line for line in on("web-new", "cat /etc/ssh/ssh_host_*_key").splitlines() if len(line) > 40 and "-----" not in line]
    written = "".join(file.read_text(errors="replace") for file in ran.output.rglob("*") if file.is_file())
    # the first lines of a private key in this format repeat its public half
    secret = [line for line in body if line not in "".join(on("web-new", "cat /etc/ssh/*.pub").split())]
    assert len(secret) > 30
    for line in secret:
        assert line not in ran.text and line not in written
    assert lab.play("rollback", "web-new", agility_campaign="canary").rc == 0


def test_what_is_forgotten_is_shredded(lab: Lab) -> None:
    on("web-bare", "rm -rf /var/lib/crypto-agility/tx")  # of other tests
    for phase in ("expand", "contract"):
        assert rotate(lab, "web-bare", agility_phase=phase, agility_campaign=f"old-{phase}").rc == 0
    keys = "grep -rl '^-----BEGIN [A-Z ]*PRIVATE KEY' /var/lib/crypto-agility; true"
    assert on("web-bare", keys) != "", "old keys are kept at first"
    on("web-bare", "touch -d '100 days ago' /var/lib/crypto-agility/tx/old-*/journal")
    ran = lab.play("recover", "web-bare", agility_keep_days=90, agility_keep=0)
    assert ran.rc == 0 and ran.changed("web-bare") == 1, ran.text
    assert on("web-bare", keys) == ""


# ---------------------------------------------------------------- an authority


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "ca")], check=True)
    return tmp_path / "ca"


def trusting(host: str, authority: Path) -> str:
    """What a client that trusts the authority alone is served."""
    line = f"@cert-authority {ADDRESS[host]} {authority.with_suffix('.pub').read_text().strip()}"
    on("client", f"echo '{line}' >/tmp/trust")
    options = "-o UserKnownHostsFile=/tmp/trust -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes -o UpdateHostKeys=no"
    return on("client", f"ssh -v {options} root@{ADDRESS[host]} true 2>&1")


@pytest.mark.parametrize("host", ["web-old", "web-legacy"])
def test_a_client_that_trusts_the_authority_alone_gets_in_before_during_and_after_a_rotation(
    lab: Lab, authority: Path, known: Path, host: str
) -> None:
    before = state(host)
    signed = rotate(lab, host, agility_ssh_authority=str(authority), agility_phase="keep", agility_campaign="ca")
    assert signed.rc == 0, signed.text
    assert "Server host certificate" in trusting(host, authority) and f"@cert-authority {ADDRESS[host]}" in known.read_text()
    again = rotate(lab, host, agility_ssh_authority=str(authority), agility_phase="keep")
    assert again.changed(host) == 0
    renewed = rotate(lab, host, agility_ssh_authority=str(authority), agility_phase="keep", agility_renew_before=60, agility_campaign="ca")
    assert renewed.changed(host) == 1 and "ends in 47 days" in json.dumps(renewed.host(host)["plan"]["reasons"])
    assert rotate(lab, host, agility_ssh_authority=str(authority), agility_campaign="ca").rc == 0
    assert "Server host certificate" in trusting(host, authority)
    on("client", f"ssh root@{ADDRESS[host]} true"), "and one that knows the old keys alone"
    refused = rotate(lab, host, agility_phase="contract")
    assert refused.rc != 0 and "agility_ssh_authority" in refused.text
    gone = rotate(lab, host, agility_ssh_authority=str(authority), agility_phase="contract", agility_campaign="ca")
    assert gone.rc == 0, gone.text
    assert "Server host certificate" in trusting(host, authority)
    back = lab.play("rollback", host, agility_campaign="ca")
    assert back.rc == 0, back.text
    assert state(host) == before


# ---------------------------------------------------------------- revoked keys


def test_a_revoked_key_is_refused_ours_is_not_and_the_list_goes_back(lab: Lab, tmp_path: Path) -> None:
    before = state("web-legacy")
    on("client", "rm -f /tmp/lost*; ssh-keygen -q -t ed25519 -N '' -f /tmp/lost")
    public = on("client", "cat /tmp/lost.pub").strip()
    on("web-legacy", f"echo '{public}' >>/root/.ssh/authorized_keys")
    login = f"ssh -i /tmp/lost -o IdentitiesOnly=yes -o BatchMode=yes root@{ADDRESS['web-legacy']} true"
    on("client", login)
    (tmp_path / "lost.pub").write_text(f"{public}\n")
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", str(tmp_path / "krl"), str(tmp_path / "lost.pub")], check=True)
    ran = rotate(lab, "web-legacy", agility_phase="keep", agility_revoked_keys=str(tmp_path / "krl"), agility_campaign="krl")
    assert ran.rc == 0, ran.text
    assert "Permission denied" in on("client", f"{login} 2>&1", check=False)
    assert rotate(lab, "web-legacy", agility_phase="keep", agility_revoked_keys=str(tmp_path / "krl")).changed("web-legacy") == 0
    assert lab.play("rollback", "web-legacy", agility_campaign="krl").rc == 0
    on("client", login)
    on("web-legacy", "sed -i '$d' /root/.ssh/authorized_keys")
    assert state("web-legacy") == before


@pytest.mark.parametrize("what", ["own", "cut", "none"])
def test_a_list_that_would_lock_us_out_is_refused_before_anything_changes(lab: Lab, tmp_path: Path, what: str) -> None:
    krl, before = tmp_path / "krl", state("web-new")
    if what != "none":
        subprocess.run(["ssh-keygen", "-q", "-k", "-f", str(krl), str(STATE / "id_ed25519.pub")], check=True)
    if what == "cut":
        krl.write_bytes(krl.read_bytes()[:60])
    ran = rotate(lab, "web-new", agility_phase="keep", agility_revoked_keys=str(krl))
    assert ran.rc != 0 and {"own": "the controller's own key", "cut": "Invalid KRL", "none": "cannot be read"}[what] in ran.text
    assert state("web-new") == before and on("web-new", "ls /var/lib/crypto-agility/tx | grep -c keep; true").strip() in ("0", "")


def test_an_audit_tells_of_keys_that_others_can_read_and_of_clones(lab: Lab) -> None:
    on("web-new", "chmod 644 /etc/ssh/ssh_host_ecdsa_key")
    on("web-old", "cp -a /etc/ssh/ssh_host_rsa_key.pub /etc/ssh/ssh_host_rsa_key.pub.was")
    shared = on("web-new", "cat /etc/ssh/ssh_host_rsa_key.pub").strip()
    on("web-old", f"echo '{shared}' >/etc/ssh/ssh_host_rsa_key.pub")
    try:
        ran = lab.play("audit", "web-new,web-old")
        notes = " ".join(note for endpoint in ran.host("web-new")["endpoints"] for note in endpoint["notes"])
        assert "sshd ignores the host key /etc/ssh/ssh_host_ecdsa_key" in notes
        assert "web-new, web-old" in ran.text and "they share the host key SHA256:" in ran.text
    finally:
        on("web-new", "chmod 600 /etc/ssh/ssh_host_ecdsa_key")
        on("web-old", "mv /etc/ssh/ssh_host_rsa_key.pub.was /etc/ssh/ssh_host_rsa_key.pub")
