"""An account that may do nothing but run the installed agent: the whole loop with it, and what a thief of it can do."""

from __future__ import annotations

import json
import subprocess

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import installed

from .conftest import ADDRESS, STATE, TOP, Lab, configuration, on

USER = "nopriv"  # of the lab's images: no line for sudo
AS = {"ansible_user": USER, "agility_agent": "installed"}
HOSTS = ("web-new", "web-old", "web-bare", "web-include")
BOTH = f"{installed.PATH} {installed.RULE}"


def install(lab: Lab, limit: str, *more: str, **variables: object):
    return lab.play("install_agent", limit, *more, agility_agent_user=USER, **variables)


@pytest.fixture
def account(lab: Lab):
    assert install(lab, "web-new").rc == 0
    yield
    assert install(lab, "web-new", agility_agent_state="absent").rc == 0


def as_user(host: str, command: str, data: str = "") -> subprocess.CompletedProcess[str]:
    """A shell command of that account, over ssh, with data on standard input."""
    argv = ["ssh", "-F", "none", "-i", str(STATE / "id_ed25519"), "-o", f"UserKnownHostsFile={STATE}/known_hosts", f"{USER}@{ADDRESS[host]}", command]
    return subprocess.run(argv, input=data, capture_output=True, text=True, check=False, timeout=60)


def transactions(host: str) -> list[dict[str, object]]:
    """As crypto_transaction_info tells them to that account."""
    given = [word for name, value in AS.items() for word in ("-e", f"{name}={value}")]
    argv = ["ansible", "-i", "inventories/lab", host, "-m", "quantumsafe.agility.crypto_transaction_info", *given]
    done = subprocess.run(argv, cwd=TOP, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout.partition("=>")[2])["transactions"]


def reason(ran, host: str) -> str:
    problem = ran.host(host)["problem"]
    return f"{problem['message']}. {problem['remedy']}"


def test_it_is_installed_once_removed_once_and_shown_before(lab: Lab) -> None:
    shown = install(lab, "web-new,web-bare", "--check", "--diff")
    assert (shown.rc, shown.changed("web-new")) == (0, 1)
    assert f'+{USER} ALL=(root) NOPASSWD: sha256:{installed.digest()} {installed.PATH} ""' in shown.text
    assert on("web-new", f"ls {BOTH} 2>&1 | grep -c 'No such file'") == "2\n"
    first, second = (install(lab, "web-new,web-bare") for dummy in range(2))
    for host in ("web-new", "web-bare"):
        assert (first.changed(host), second.changed(host)) == (1, 0)
        assert on(host, f"stat -c '%a %U:%G' {BOTH}") == "755 root:root\n440 root:root\n"
        assert on(host, f"cat {installed.RULE}") == installed.rule(USER)
        assert on(host, f"sha256sum < {installed.PATH}").split()[0] == installed.digest()
    removed = install(lab, "web-new,web-bare", agility_agent_state="absent")
    assert removed.changed("web-bare") == 1
    assert on("web-bare", f"ls -d {BOTH} /usr/local/libexec/crypto-agility 2>&1 | grep -c 'No such file'") == "3\n"
    assert install(lab, "web-bare", agility_agent_state="absent").changed("web-bare") == 0


def test_an_account_that_is_not_there_is_refused_and_nothing_is_written(lab: Lab) -> None:
    ran = lab.play("install_agent", "web-new", agility_agent_user="nobody-here")
    assert "there is no account nobody-here here" in reason(ran, "web-new")
    assert on("web-new", f"ls {BOTH} 2>&1 | grep -c 'No such file'") == "2\n"


@pytest.mark.parametrize("host", HOSTS)
def test_the_whole_loop_with_an_account_that_can_run_nothing_else(lab: Lab, host: str) -> None:
    assert install(lab, host).rc == 0
    try:
        before = configuration(host)
        audit = lab.play("audit", host, **AS)
        assert audit.rc == 0, audit.text
        assert [f["state"] for f in audit.host(host)["findings"]] == [f["state"] for f in lab.play("audit", host).host(host)["findings"]]
        done = lab.play("enforce", host, agility_campaign="least", **AS)
        assert (done.rc, done.host(host)["status"]) == (0, "changed"), done.text
        assert done.host(host)["evidence"]["connection"] == "fresh connection"
        again = lab.play("enforce", host, agility_campaign="least", **AS)
        assert (again.rc, again.changed(host)) == (0, 0), again.text
        assert lab.play("recover", host, **AS).rc == 0
        (known,) = transactions(host)
        assert (known["state"], known["id"].rpartition("-")[0]) == ("CLEANED", "least")
        back = lab.play("rollback", host, "--diff", agility_campaign="least", **AS)
        assert (back.rc, back.host(host)["status"]) == (0, "rolled-back"), back.text
        assert configuration(host) == before
    finally:
        install(lab, host, agility_agent_state="absent")


def test_a_change_that_fails_its_proof_goes_back(lab: Lab, account: None) -> None:
    before = configuration("web-new")
    on(
        "web-new",
        "mkdir -p /etc/systemd/system/nginx.service.d && printf '[Service]\\nExecReload=\\nExecReload=/bin/kill -KILL $MAINPID\\n' > /etc/systemd/system/nginx.service.d/b.conf && systemctl daemon-reload",
    )
    try:
        ran = lab.play("enforce", "web-new", **AS)
        assert ran.host("web-new")["status"] == "reverted"
        assert configuration("web-new") == before
    finally:
        on("web-new", "rm -rf /etc/systemd/system/nginx.service.d && systemctl daemon-reload")


def test_what_is_missing_is_named_with_what_to_do_and_nothing_is_changed(lab: Lab) -> None:
    before = configuration("web-new")
    absent = lab.play("enforce", "web-new", **AS)
    assert "no agent is installed there" in reason(absent, "web-new")
    assert install(lab, "web-new").rc == 0
    on("web-new", f"mv {installed.RULE} /root/rule")
    denied = lab.play("enforce", "web-new", **AS)
    assert "may not run the installed agent" in reason(denied, "web-new")
    on("web-new", f"mv /root/rule {installed.RULE} && echo '# other' >> {installed.PATH}")
    stale = lab.play("enforce", "web-new", **AS)
    assert "of another release, or was changed" in reason(stale, "web-new")
    as_root = lab.play("enforce", "web-new", agility_agent="installed")
    assert "of another release" in reason(as_root, "web-new")
    for ran in (absent, denied, stale, as_root):
        assert ran.rc != 0
        assert "quantumsafe.agility.install_agent" in reason(ran, "web-new")
    assert configuration("web-new") == before
    assert install(lab, "web-new").changed("web-new") == 1
    assert lab.play("audit", "web-new", agility_agent="installed").rc == 0
    install(lab, "web-new", agility_agent_state="absent")


def test_certificates_are_replaced_by_full_become_only(lab: Lab, account: None) -> None:
    before, ca = configuration("web-new"), str(STATE / "ca")
    ran = lab.play("rotate_certificates", "web-new", agility_authority=ca, agility_keys=["ML-DSA-65"], **AS)
    assert "the installed agent makes no keys. run it with full become" in reason(ran, "web-new")
    assert configuration("web-new") == before


def test_where_standard_input_is_lost_the_data_goes_as_a_file(lab: Lab, account: None) -> None:
    before = configuration("web-new")
    plan = lab.play("plan", "web-new", **AS)
    saved = plan.output / "hosts/web-new.json"
    content = plan.host("web-new")
    content["plan"]["route"] = "file"
    saved.write_text(json.dumps(content), encoding="utf-8")
    done = lab.play("enforce", "web-new", agility_plan=str(plan.output), agility_campaign="file", **AS)
    assert (done.rc, done.host("web-new")["status"]) == (0, "changed"), done.text
    assert lab.play("rollback", "web-new", agility_campaign="file", **AS).rc == 0
    assert configuration("web-new") == before


def test_a_thief_of_the_account_gets_no_shell_and_no_other_right(account: None) -> None:
    before = configuration("web-new")
    nonce = "ab" * 8
    for command, data in (
        ("sudo -n /bin/sh", "id\n"),
        (f"sudo -n /bin/sh {installed.PATH}", "id\n"),
        (f"sudo -n {installed.PATH} clean", "id\n"),
        (f"sudo -n -u {USER} {installed.PATH}", "id\n"),
        (f"cp {installed.PATH} /tmp/agent && sudo -n /tmp/agent", "id\n"),
        (f"sudo -n {installed.PATH}", "id; touch /tmp/pwned\n"),
        (f"sudo -n {installed.PATH}", f"crypto-agility {nonce} {installed.digest()}\neval\2touch /tmp/pwned\nend {nonce}\n"),
        (
            f"PATH=/tmp/evil:$PATH ENV=/tmp/evil/x BASH_ENV=/tmp/evil/x sudo -n {installed.PATH}",
            f"crypto-agility {nonce} {installed.digest()}\nca_look\2all\2-\nend {nonce}\n",
        ),
        (f"ulimit -f 1; sudo -n {installed.PATH}", f"crypto-agility {nonce} {installed.digest()}\nca_look\2all\2-\2/etc/shadow\nend {nonce}\n"),
    ):
        said = as_user("web-new", command, data).stdout
        assert "uid=0" not in said, command
        assert "root:" not in said, command
    assert on("web-new", "ls /tmp/pwned 2>&1; true").endswith("No such file or directory\n")
    assert configuration("web-new") == before


def test_its_files_are_not_for_others_to_change(account: None) -> None:
    done = as_user("web-new", f"echo x >> {installed.PATH}; rm -f {installed.PATH}; cat {installed.RULE}; ls /var/lib/crypto-agility")
    assert done.stderr.count("ermission denied") == 4
    assert on("web-new", f"sha256sum < {installed.PATH}").split()[0] == installed.digest()
