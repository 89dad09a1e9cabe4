"""What goes wrong on real hosts: every one a clear word, nothing lost, nothing half done."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from .conftest import STATE, TOP, Lab, configuration, on

BREAK = "mkdir -p /etc/systemd/system/nginx.service.d && printf '[Service]\\nExecReload=\\nExecReload=/bin/kill -KILL $MAINPID\\n' > /etc/systemd/system/nginx.service.d/b.conf"
MEND = "rm -rf /etc/systemd/system/nginx.service.d && systemctl daemon-reload"


def problem(ran, host: str) -> str:
    return ran.host(host)["problem"]["message"]


def test_a_reload_that_kills_the_service_goes_back_by_itself_and_stops_the_campaign(lab: Lab) -> None:
    before = configuration("web-new"), configuration("web-bare")
    on("web-new", f"{BREAK} && systemctl daemon-reload")
    try:
        ran = lab.play("enforce", "web-new,web-bare", agility_campaign="broken")
        assert ran.rc != 0
        assert ran.host("web-new")["status"] == "reverted"
        assert "nginx" in problem(ran, "web-new")
        assert (configuration("web-new"), configuration("web-bare")) == before
        assert on("web-new", "systemctl is-active ssh nginx") == "active\nactive\n"
        assert ran.summary["status"]["reverted"] == 1
    finally:
        on("web-new", MEND)


def test_a_failed_host_closes_the_gate_for_the_next_batch_although_a_rescue_hides_it(lab: Lab, tmp_path: Path) -> None:
    """The barrier reads the campaign's state on disk: a rescue hides the failure from Ansible, not from us, nor from the exit code.

    web-new comes first.
    """
    play, out, before = tmp_path / "rescue.yml", tmp_path / "out", configuration("web-bare")
    play.write_text(
        """---
- hosts: all
  gather_facts: false
  serial: 1
  tasks:
    - block:
        - quantumsafe.agility.crypto_enforce: {policy: hybrid-transition@1, output: "{{ out }}", campaign: gate}
      rescue:
        - ansible.builtin.debug: {msg: hidden}
""",
        encoding="utf-8",
    )
    on("web-new", f"{BREAK} && systemctl daemon-reload")
    try:
        argv = ["ansible-playbook", "-i", "inventories/lab", str(play), "-l", "web-new,web-bare", "-e", f"out={out}"]
        done = subprocess.run(argv, cwd=TOP, capture_output=True, text=True, check=False, timeout=120)
    finally:
        on("web-new", MEND)
    assert done.returncode == 2, done.stdout
    first, second = (json.loads((out / "hosts" / f"{name}.json").read_text(encoding="utf-8")) for name in ("web-new", "web-bare"))
    assert first["status"] == "reverted"
    assert second["status"] == "refused"
    assert "web-new failed before" in second["problem"]["message"]
    assert configuration("web-bare") == before


def test_tightening_ssh_on_too_many_hosts_of_a_batch_is_refused_unless_acknowledged(lab: Lab) -> None:
    before = configuration("web-new")
    ran = lab.play("enforce", "web-new,web-bare", agility_policy="hybrid-required@1", agility_serial="100%", agility_out_of_band="podman exec")
    assert ran.rc != 0
    assert "would tighten SSH on 100 % of the hosts" in problem(ran, "web-new")
    assert configuration("web-new") == before


def test_closing_part_of_the_only_way_in_is_refused_until_another_is_named(lab: Lab) -> None:
    on(
        "web-new",
        "cp -p /etc/ssh/sshd_config.d/50-hardening.conf /root/h && sed -i '1i # managed by Puppet' /etc/ssh/sshd_config.d/50-hardening.conf",
    )
    try:
        before = configuration("web-new")
        ran = lab.play("enforce", "web-new", agility_policy="hybrid-required@1", agility_ssh_batch_limit=100)
        assert ran.rc != 0
        assert "the only way in that is known" in problem(ran, "web-new")
        assert "agility_out_of_band" in ran.text
        assert "NOTE          web-new: /etc/ssh/sshd_config.d/50-hardening.conf says that Puppet manages it" in ran.text
        assert configuration("web-new") == before
    finally:
        on("web-new", "mv /root/h /etc/ssh/sshd_config.d/50-hardening.conf")


def test_a_policy_that_is_wrong_is_told_before_any_host_is_touched(lab: Lab, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text("policy: {name: x, version: 1}\nextends: [hybrid-transition@1]\nzonez: {}\n", encoding="utf-8")
    ran = lab.play("audit", "web", agility_policy=str(bad))
    assert ran.rc != 0
    assert f"{bad}:1" in ran.text.replace("\n", "")
    assert "zonez" in ran.text
    assert not list((ran.output / "hosts").glob("*.json"))


def logins(host: str) -> int:
    return int(on(host, "journalctl -u ssh -u sshd | grep -c 'Accepted '", check=False))


@pytest.mark.parametrize(
    ("allow", "line", "said"),
    [("{name: [mlkem768x25519-sha265]}", 3, "mlkem768x25519-sha256"), ("{name: []}", 6, "empty")],
)
def test_a_name_that_is_none_and_an_empty_list_are_told_before_any_host_is_touched(
    lab: Lab, tmp_path: Path, allow: str, line: int, said: str
) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text(
        "policy: {name: x, version: 1}\nrules:\n  - id: kex\n    match: {protocol: ssh}\n    aspect: key_exchange\n"
        f"    allow: {allow}\n    source: {{doc: x, force: draft}}\nstages: [{{stage: require}}]\n",
        encoding="utf-8",
    )
    before = logins("web-new"), logins("web-bare")
    ran = lab.play("enforce", "web-new,web-bare", agility_policy=str(bad), ansible_control_path="none")
    assert ran.rc != 0
    assert f"{bad}:{line}:" in ran.text.replace("\n", "")
    assert said in ran.text
    assert (logins("web-new"), logins("web-bare")) == before
    assert lab.play("audit", "web-new,web-bare", ansible_control_path="none").rc == 0
    assert logins("web-new") > before[0], "a login is what would have been seen"


def test_an_sshd_text_that_cannot_be_parsed_fails_that_host_alone(lab: Lab) -> None:
    """sshd goes on with what it read when it began."""
    path = "/etc/ssh/sshd_config.d/99-broken.conf"
    on("web-bare", f"printf '# ours\\nBanner \"/etc/issue\\n' > {path}")
    try:
        ran = lab.play("audit", "web-new,web-bare")
        assert ran.host("web-new")["status"] == "ok"
        found = ran.host("web-bare")
        assert (found["status"], found["problem"]["where"]) == ("failed", f"{path}:2")
        on("web-bare", f"printf '# ours\\n# \\000\\n' > {path}")
        nul = lab.play("audit", "web-bare").host("web-bare")
        assert (nul["status"], nul["problem"]["where"]) == ("failed", path)
        assert "NUL at byte 9" in nul["problem"]["message"]
    finally:
        on("web-bare", f"rm {path}")


def test_a_file_that_cannot_be_parsed_fails_that_host_alone(lab: Lab) -> None:
    on("web-bare", "cp -p /etc/nginx/nginx.conf /root/n && echo 'http {' >> /etc/nginx/nginx.conf")
    try:
        ran = lab.play("audit", "web-new,web-bare")
        assert ran.host("web-new")["status"] == "ok"
        found = ran.host("web-bare")
        assert found["status"] == "failed"
        assert found["problem"]["where"].startswith("/etc/nginx/nginx.conf:")
    finally:
        on("web-bare", "cp -p /root/n /etc/nginx/nginx.conf")


def test_a_host_that_does_not_answer_is_unreachable_and_the_others_are_done(lab: Lab, tmp_path: Path) -> None:
    ghost = tmp_path / "ghost.yml"
    ghost.write_text("all: {hosts: {ghost: {ansible_host: 10.91.0.250, ansible_timeout: 3}}}\n", encoding="utf-8")
    ran = lab.play("audit", "web-new,ghost", "-i", str(ghost))
    assert ran.rc != 0
    assert (ran.host("web-new")["status"], ran.host("ghost")["status"]) == ("ok", "unreachable")
    assert [failed["host"] for failed in ran.summary["failed"]] == ["ghost"]


def test_a_read_only_file_system_is_refused_with_no_change(lab: Lab) -> None:
    on("web-new", "mount --bind /etc/nginx /etc/nginx && mount -o remount,ro,bind /etc/nginx")
    try:
        ran = lab.play("enforce", "web-new")
        assert ran.host("web-new")["status"] == "refused"
        assert "/etc/nginx/sites-available cannot be written" in problem(ran, "web-new")
        assert ran.host("web-new")["problem"]["code"] == ran.summary["failed"][0]["code"] == "refused-target"
        assert on("web-new", "find /etc -name '.*ca-*'") == ""
    finally:
        on("web-new", "umount /etc/nginx")


def test_a_missing_daemon_is_said(lab: Lab) -> None:
    ran = lab.play("audit", "client", agility_services=["nginx"])
    assert "none of nginx was found" in problem(ran, "client")


def test_a_missing_utility_is_named(lab: Lab) -> None:
    on("web-bare", "mv /usr/bin/awk /usr/bin/awk.gone")
    try:
        ran = lab.play("audit", "web-bare")
        assert "lacks awk" in problem(ran, "web-bare")
    finally:
        on("web-bare", "mv /usr/bin/awk.gone /usr/bin/awk")


ROUTES = {
    "sudo": {"ansible_user": "ops", "ansible_become": True},
    "sudo without pipelining": {"ansible_user": "ops", "ansible_become": True, "ansible_pipelining": False},
    "sudo with a password": {"ansible_user": "opspw", "ansible_become": True, "ansible_become_password": "lab-pw-1"},
    "su with a password": {"ansible_user": "opspw", "ansible_become": True, "ansible_become_method": "su", "ansible_become_password": "lab-root-1"},
    "su without a password": {"ansible_become": True, "ansible_become_method": "su"},
    "doas": {"ansible_user": "opsdoas", "ansible_become": True, "ansible_become_method": "doas"},
    "doas with a password": {
        "ansible_user": "opspw",
        "ansible_become": True,
        "ansible_become_method": "doas",
        "ansible_become_password": "lab-pw-1",
    },
    "requiretty": {"ansible_user": "opstty", "ansible_become": True},
    "a noisy login shell": {"ansible_user": "noisy", "ansible_become": True},
    "an address written as a template": {"ansible_host": "{{ net }}.14", "net": "10.91.0"},
}


@pytest.mark.parametrize("route", ROUTES)
def test_every_way_to_root_enforces_confirms_and_rolls_back(lab: Lab, route: str) -> None:
    before = configuration("web-bare")
    ran = lab.play("enforce", "web-bare", agility_campaign="route", **ROUTES[route])
    assert ran.rc == 0, ran.text
    assert ran.host("web-bare")["status"] == "changed"
    states = [line["state"] for line in ran.host("web-bare")["journal"]]
    assert states.count("ARMED") == 1
    assert ran.summary["proofs"] == {"proved": 2, "unproved": []}
    back = lab.play("rollback", "web-bare", agility_campaign="route", **ROUTES[route])
    assert back.rc == 0, back.text
    assert configuration("web-bare") == before
    on("web-bare", "rm -rf /var/lib/crypto-agility")


def test_a_local_connection_enforces_and_rolls_back_and_says_what_it_proves(lab: Lab, tmp_path: Path) -> None:
    """The local plugin, whose shell is the host's; the controller's own loopback is another, so its probes prove nothing."""
    shell = tmp_path / "shell"
    shell.write_text(f'#!/bin/sh\nexec {TOP}/tests/lab/lab in-ns podman exec -i web-bare /bin/sh "$@"\n', encoding="utf-8")
    shell.chmod(0o755)
    local = {"ansible_connection": "local", "ansible_shell_executable": str(shell)}
    before = configuration("web-bare")
    ran = lab.play("enforce", "web-bare", agility_campaign="local", **local)
    assert ran.rc == 0, ran.text
    assert ran.host("web-bare")["status"] == "changed"
    assert ran.host("web-bare")["evidence"]["connection"] == "loopback"
    assert len(ran.summary["proofs"]["unproved"]) == 2
    assert "UNPROVED      web-bare: " in ran.text
    tight = lab.play("enforce", "web-bare", agility_policy="hybrid-required@1", agility_ssh_batch_limit=100, **local)
    assert "tightening SSH over a local connection is refused" in problem(tight, "web-bare")
    assert lab.play("rollback", "web-bare", agility_campaign="local", **local).rc == 0
    assert configuration("web-bare") == before
    on("web-bare", "rm -rf /var/lib/crypto-agility")


def test_an_ssh_password_reaches_the_new_connection_too(lab: Lab) -> None:
    before, dropin = configuration("web-bare"), "/etc/ssh/sshd_config.d/00-passwords.conf"
    on("web-bare", f"echo 'PasswordAuthentication yes' > {dropin} && systemctl reload ssh")
    login = {
        "ansible_user": "opspw",
        "ansible_password": "lab-pw-1",
        "ansible_become": True,
        "ansible_become_password": "lab-pw-1",
        "ansible_ssh_private_key_file": "/dev/null",
    }
    try:
        ran = lab.play("enforce", "web-bare", agility_campaign="password", **login)
        assert ran.rc == 0, ran.text
        assert ran.host("web-bare")["status"] == "changed"
        assert ran.host("web-bare")["evidence"]["connection"] == "fresh connection"
        assert "lab-pw-1" not in "".join(path.read_text(encoding="utf-8") for path in ran.output.rglob("*") if path.is_file())
        back = lab.play("rollback", "web-bare", agility_campaign="password", **login)
        assert back.rc == 0, back.text
    finally:
        on("web-bare", f"rm {dropin} && systemctl reload ssh && rm -rf /var/lib/crypto-agility")
    assert configuration("web-bare") == before


def test_without_privilege_the_remedy_is_named(lab: Lab) -> None:
    ran = lab.play("plan", "web-new", ansible_user="nopriv")
    assert "needs root" in problem(ran, "web-new")


def test_a_host_that_nobody_can_log_in_to_any_more_goes_back_by_its_deadline(lab: Lab) -> None:
    """The old connection lives on and carries the change; every new one is dropped, so the confirmation cannot arrive."""
    before, shared = configuration("web-new"), "/tmp/agility-cut-%%C"
    # Conntrack has to see the connection begin that enforce goes on to use, or it would be cut as a new one, too.
    on(
        "web-new",
        "nft add table inet cut && nft 'add chain inet cut in { type filter hook input priority 0; }' && nft add rule inet cut in ct state established accept",
    )
    lab.play("audit", "web-new", ansible_control_path=shared)
    on("web-new", "nft add rule inet cut in tcp dport 22 ct state new drop")
    try:
        ran = lab.play("enforce", "web-new", agility_confirm_timeout=6, ansible_timeout=3, ansible_control_path=shared)
    finally:
        on("web-new", "nft delete table inet cut")
    result = ran.host("web-new")
    assert ran.rc != 0
    assert result["transaction"]
    assert result["status"] == "unknown", "nobody could ask the host any more"
    assert "run recover" in result["problem"]["message"]
    journal = on("web-new", f"cat /var/lib/crypto-agility/tx/{result['transaction']}/journal")
    assert "RELOADED" in journal
    assert "REVERTED" in journal.splitlines()[-1]
    assert configuration("web-new") == before
    assert on("web-new", "systemctl is-active ssh nginx") == "active\nactive\n"
    recovered = lab.play("recover", "web-new")
    assert recovered.rc == 0, recovered.text


def test_another_host_key_on_the_new_connection_confirms_nothing(lab: Lab, tmp_path: Path) -> None:
    """The old connection knows the host; to the new one somebody else seems to answer.  The host goes back alone."""
    before, shared = configuration("web-new"), "/tmp/agility-key-%%C"
    known = tmp_path / "known_hosts"
    ours = json.loads(
        subprocess.run(
            ["ansible-inventory", "-i", "inventories/lab", "--host", "web-new"], cwd=TOP, capture_output=True, text=True, check=True
        ).stdout
    )
    arguments = f"-F none -o StrictHostKeyChecking=yes -o UserKnownHostsFile={known} -o GlobalKnownHostsFile=/dev/null -o IdentitiesOnly=yes"
    path = STATE / "known_hosts"
    lines = path.read_text(encoding="utf-8").splitlines()
    known.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert lab.play("audit", "web-new", ansible_control_path=shared, ansible_ssh_common_args=arguments).rc == 0
    other = next(line.split(None, 1)[1] for line in lines if line.startswith("10.91.0.12,"))
    known.write_text(f"{ours['ansible_host']} {other}\n", encoding="utf-8")
    ran = lab.play("enforce", "web-new", agility_confirm_timeout=6, ansible_control_path=shared, ansible_ssh_common_args=arguments)
    result = ran.host("web-new")
    assert ran.rc != 0
    assert result["status"] in ("unknown", "refused", "failed")
    assert "ost key" in result["problem"]["message"], result["problem"]
    assert configuration("web-new") == before
    assert on("web-new", "systemctl is-active ssh nginx") == "active\nactive\n"
    assert lab.play("recover", "web-new").rc == 0


def test_offline_a_folder_and_a_saved_snapshot_are_audited_like_a_host(lab: Lab, tmp_path: Path) -> None:
    live = lab.play("audit", "web-old", agility_save_snapshot=True)
    again = lab.play("audit", "web-old", agility_root=str(live.output / "snapshots/web-old.json"))
    assert again.host("web-old")["findings"] == live.host("web-old")["findings"]
    folder = tmp_path / "root"
    folder.mkdir()
    tar = subprocess.run(
        [str(TOP / "tests/lab/lab"), "exec", "web-old", "tar", "-C", "/", "-chf", "-", "etc/ssh", "etc/nginx", "etc/os-release"],
        capture_output=True,
        check=True,
    )
    subprocess.run(["tar", "-C", str(folder), "-xf", "-"], input=tar.stdout, check=True)
    found = lab.play("audit", "web-old", agility_root=str(folder))
    assert found.rc == 0, found.text
    states = {(f["endpoint"], f["aspect"]): f["evidence"] for f in found.host("web-old")["findings"]}
    assert states["sshd", "key_exchange"] == "configured"


REGISTERED = """---
- hosts: web-new
  gather_facts: false
  tasks:
    - quantumsafe.agility.crypto_audit_info:
      register: audit
    - ansible.builtin.assert:
        that: audit.findings | selectattr('endpoint', 'equalto', 'sshd') | map(attribute='aspect') is contains('key_exchange')
"""


def test_a_play_that_registers_an_audit_has_its_findings(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text(REGISTERED, encoding="utf-8")
    argv = ["ansible-playbook", "-i", "inventories/lab", str(tmp_path / "play.yml"), "-e", f"agility_output={tmp_path / 'out'}"]
    done = subprocess.run(argv, cwd=TOP, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout


def test_a_probe_tells_what_a_server_negotiates(lab: Lab) -> None:
    argv = ["ansible", "-i", "inventories/lab", "web-new", "-m", "quantumsafe.agility.crypto_probe_info"]
    tls = subprocess.run([*argv, "-a", "port=443"], cwd=TOP, capture_output=True, text=True, check=True, timeout=60).stdout
    assert '"version": "TLSv1.3"' in tls
    assert '"strictly_prefers_hybrid": false' in tls
    closed = subprocess.run([*argv, "-a", "port=9"], cwd=TOP, capture_output=True, text=True, check=False, timeout=60)
    assert "connection-refused" in closed.stdout + closed.stderr
    assert closed.returncode != 0


def test_recover_lists_and_resolves_what_was_left_open(lab: Lab) -> None:
    ran = lab.play("recover", "web-new")
    assert ran.rc == 0, ran.text
    assert ran.host("web-new")["verb"] == "recover"


def test_no_secret_leaves_the_host_even_at_vvv(lab: Lab) -> None:
    canary = "canary-7f3a"
    on("web-new", f"printf '# password = {canary}\\n' > /etc/nginx/conf.d/secret.conf")
    try:
        ran = lab.play("enforce", "web-new", "-vvv", "--diff", agility_campaign="secret", agility_save_snapshot=True)
        assert ran.rc == 0, ran.text
        assert canary not in ran.text
        assert all(canary not in path.read_text(encoding="utf-8") for path in ran.output.rglob("*") if path.is_file())
    finally:
        on("web-new", "rm /etc/nginx/conf.d/secret.conf")
        lab.play("rollback", "web-new", agility_campaign="secret")
