"""agent/retired.sh: a key that a confirmed change took out of use stays for the way back, and is shredded behind it, if it is nobody's any more."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer, retired, script

from .agent_host import NONCE, TOKEN, Host, sha256
from .test_transaction import replace_line


def key(host: Host, name: str) -> Path:
    path = host.etc / name
    subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", str(path)], check=True, capture_output=True)
    return path


def send(host: Host, text: str) -> str:
    return host.send(text.replace("'/etc /usr/local/etc'", str(host.etc)))


def switched(host: Host, old: Path, new: str, id_: str = "t-1") -> tuple[retired.Retired, ...]:
    """A configuration names another key than before, and that is confirmed."""
    conf = host.etc / "web.conf"
    if not conf.exists():
        conf.write_text(f"key {old};\n")
    host.apply(replace_line(conf, 1, f"key {new};\n"), id_=id_)
    return retired.parse_retired(send(host, script.compose_confirm(id_, TOKEN, NONCE, (str(old),))), NONCE)


def forgotten(host: Host, keep: int = 0) -> tuple[retired.Retired, ...]:
    for journal in (host.state / "tx").glob("*/journal"):
        os.utime(journal, (1, 1))
    return retired.parse_retired(send(host, script.compose_recover(NONCE, 7, keep)), NONCE)


def ended(host: Host, *paths: Path, id_: str = "t-1") -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    output = send(host, retired.compose_end_retired({id_: tuple(map(str, paths))}, NONCE))
    return [(one.did, one.path) for one in retired.parse_ended(output, NONCE)], answer.notes(output, NONCE)


def test_a_key_stays_until_its_transaction_is_forgotten_and_is_shredded_then(any_host: Host) -> None:
    old = key(any_host, "retired-server.key")
    public = subprocess.run(["openssl", "pkey", "-in", str(old), "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    told = switched(any_host, old, "/x/new.key")
    assert told == (retired.Retired("t-1", sha256(old), hashlib.sha256(public).hexdigest(), str(old)),)
    assert forgotten(any_host, keep=3) == () and old.exists()
    assert forgotten(any_host) == told and old.exists(), "the controller looks first"
    assert ended(any_host, old) == ([("shredded", str(old))], ())
    assert not old.exists() and list((any_host.state / "retired").iterdir()) == []
    assert forgotten(any_host) == ()


def test_one_that_the_controller_sees_in_use_stays_and_is_asked_about_again(host: Host) -> None:
    old, other = key(host, "retired-server.key"), key(host, "other.key")
    told = switched(host, old, "/x/new.key")
    forgotten(host)
    assert ended(host, other) == ([], ()) and old.exists() and other.exists()
    assert forgotten(host) == told


def test_one_that_another_service_names_stays_and_it_is_said_who(any_host: Host) -> None:
    old = key(any_host, "retired-server.key")
    switched(any_host, old, "/x/new.key")
    forgotten(any_host)
    for text in (
        f"tls_key = file:{old}\n",
        f'key = "{old}"\n',
        "key=retired-server.key\n",
        "mount /data/retired-server.key\n",
        f"{any_host.etc}/../etc/retired-server.key",
    ):
        mail = any_host.write("mail.conf", text)
        did, said = ended(any_host, old)
        assert did == [] and old.exists() and str(mail) in said[0], text
    mail.unlink()
    link = any_host.etc / "current"
    link.symlink_to(old)
    did, said = ended(any_host, old)
    assert did == [] and str(link) in said[0]
    link.unlink()
    with subprocess.Popen(["sh", "-c", "sleep 60; :", str(old)]) as process:
        did, said = ended(any_host, old)
        process.kill()
    assert did == [] and "a running process names it" in said[0]
    any_host.write("mail.conf", f"# key {old}\n/etc/hostname retired-server.key.bak myretired-server.key\n")
    assert ended(any_host, old)[0] == [("shredded", str(old))]


def test_one_that_a_later_way_back_would_need_stays_until_that_one_has_ended(any_host: Host) -> None:
    old = key(any_host, "retired-server.key")
    switched(any_host, old, "/x/new.key")
    switched(any_host, old, f"{old}", "t-2")  # and back
    switched(any_host, old, "/x/newer.key", "t-3")
    assert [one.transaction for one in forgotten(any_host, keep=1)] == ["t-1", "t-2"]
    assert ended(any_host, old) == ([], ()) and old.exists(), "t-3 can be rolled back, to that key"
    assert "t-3" in [one.transaction for one in forgotten(any_host)]
    assert ended(any_host, old, id_="t-3")[0] == [("shredded", str(old))]


def test_another_file_in_its_place_is_nobodys_business(any_host: Host) -> None:
    old = key(any_host, "retired-server.key")
    switched(any_host, old, "/x/new.key")
    forgotten(any_host)
    old.write_text("another\n")
    did, said = ended(any_host, old)
    assert did == [] and old.read_text() == "another\n" and "it is not the file any more" in said[0]
    assert forgotten(any_host) == ()


def test_what_is_a_link_or_has_another_name_is_not_retired_and_what_went_back_is_not_either(host: Host) -> None:
    old, two = key(host, "retired-server.key"), key(host, "two.key")
    (host.etc / "link.key").symlink_to(old)
    os.link(two, host.etc / "second")
    conf = host.write("web.conf", "key a;\n")
    host.apply(replace_line(conf, 1, "key b;\n"))
    assert retired.parse_retired(host.send(script.compose_confirm("t-1", TOKEN, NONCE, (f"{host.etc}/link.key", str(two)))), NONCE) == ()
    host.apply(replace_line(conf, 1, "key c;\n"), id_="t-2")
    host.send(script.compose_confirm("t-2", "another token", NONCE, (str(old),)))
    host.revert("t-2")
    assert forgotten(host) == () and old.exists()
