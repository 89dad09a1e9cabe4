""" "Retire it today", asked and done on real hosts, and taken back."""

from __future__ import annotations

from .conftest import ADDRESS, Lab, Ran, configuration, on

HOSTS = "web-new:web-old"


def drill(lab: Lab, name: str, *more: str, **variables: object) -> Ran:
    return lab.play("drill", HOSTS, *more, agility_retire=name, agility_ssh_batch_limit=100, **variables)


def said(ran: Ran) -> str:
    return " ".join(ran.text.split())


def accepts(group: str) -> bool:
    """Whether another host, with a library of its own, gets in with this group alone."""
    asked = f"echo | openssl s_client -connect {ADDRESS['web-new']}:443 -tls1_3 -groups {group} 2>&1"
    return "New, TLSv1.3" in on("client", asked, check=False)


def test_a_retirement_is_asked_done_proved_and_taken_back(lab: Lab) -> None:
    first = lab.play("enforce", HOSTS, agility_ssh_batch_limit=100, agility_campaign="drill-base")
    assert first.rc == 0, first.text
    before = {host: configuration(host) for host in ("web-new", "web-old")}

    asked = drill(lab, "X25519MLKEM768")
    assert asked.rc == 0, asked.text
    assert "PQ REGRESSION web-new nginx *:443 key_exchange: left as it is" in said(asked)
    assert "retired" in (asked.output / "policy.resolved.yml").read_text(encoding="utf-8")

    asked = drill(lab, "X25519", agility_earlier=[str(first.output)])
    assert asked.rc == 0, asked.text
    assert "WOULD CHANGE web-new: nginx *:443: key_exchange" in said(asked)
    assert "verdicts change on 1 of 2 hosts; 1 of these would be changed" in said(asked)
    assert "as fast as 2 hosts were changed before" in said(asked)
    assert {host: configuration(host) for host in before} == before

    assert accepts("X25519")
    ran = drill(lab, "X25519", "--tags", "run", agility_campaign="drill-x25519")
    assert ran.rc == 0, ran.text
    assert "from the policy's change to the proof: 1 of 2 hosts changed, 1 endpoints proved by a live handshake, 0 left" in said(ran)
    assert not accepts("X25519")

    back = lab.play("rollback", HOSTS, agility_campaign="drill-x25519")
    assert back.rc == 0, back.text
    assert {host: configuration(host) for host in before} == before
    assert accepts("X25519")


def test_what_the_policy_only_observes_is_said_to_stay_and_a_real_run_is_not_complete(lab: Lab) -> None:
    ran = drill(lab, "chacha20-poly1305@openssh.com", "--tags", "run")
    assert ran.rc != 0
    assert "STAYS web-new sshd cipher: chacha20-poly1305@openssh.com: retired since" in said(ran)
    assert "the retirement is not complete" in said(ran)


def test_a_name_that_nobody_has_stops_before_any_host_is_asked(lab: Lab) -> None:
    ran = drill(lab, "X25519MLKEM769")
    assert ran.rc != 0
    assert "no algorithm is called X25519MLKEM769" in said(ran)
    assert not list((ran.output / "hosts").glob("*.json"))


def test_an_audit_in_slices_gives_the_report_of_one_run(lab: Lab) -> None:
    whole = lab.play("audit", HOSTS)
    slices = [str(lab.play("audit", host).output) for host in HOSTS.split(":")]
    merged = lab.play("report", "", agility_slices=slices)
    assert merged.rc == 0, merged.text
    assert merged.summary == whole.summary
    assert (merged.output / "inventory.csv").read_bytes() == (whole.output / "inventory.csv").read_bytes()
