"""Host keys of sshd: what they are, which are due, what may go, and the lines that name them.  Keys and certificates are real ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Answer, File, Inexpressible, Problem, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.openssh import SERVICE
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.openssh_hostkeys import HostKey, Rotation, Terms, offered, rotation
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.openssh_kinds import fingerprint, kind_of, signed, signs_with, words
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.openssh_lines import DROPIN, Lines, edit
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.openssh_write import after_changes

from tests.unit.conftest import FIXTURES, captured, files_of, with_files

TODAY = date(2027, 1, 10)
MAIN = "/etc/ssh/sshd_config"
NEW = "/etc/ssh/ssh_host_ed25519_20270110_key"


def text(name: str) -> str:
    return (FIXTURES / "ssh" / name).read_text(encoding="utf-8")


def key(name: str, path: str = "", day: date | None = None) -> HostKey:
    return HostKey(path or f"/etc/ssh/ssh_host_{name}_key", words(text(f"{name}.pub")), day)


def ours(name: str, day: date) -> HostKey:
    return key(name, f"/etc/ssh/ssh_host_{name}_{day:%Y%m%d}_key", day)


def planned(
    *keys: HostKey, kinds: tuple[str, ...] = (), phase: str = "due", overlap: int = 14, max_age: int = 365, taken: tuple[str, ...] = ()
) -> Rotation:
    return rotation(keys, Terms(kinds, phase, overlap, max_age, TODAY), taken)


# ---------------------------------------------------------------- what a key is


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ed25519", "ED25519"),
        ("ecdsa256", "ECDSA-P256"),
        ("ecdsa384", "ECDSA-P384"),
        ("rsa1024", "RSA-1024"),
        ("rsa3072", "RSA-3072"),
        ("dsa", "DSA-1024"),
    ],
)
def test_a_key_is_named_after_its_kind_and_size(name: str, kind: str) -> None:
    assert kind_of(words(text(f"{name}.pub"))) == kind


def test_a_certificate_says_who_signed_it_for_whom_and_until_when() -> None:
    for name in ("ed25519", "ecdsa384", "rsa3072"):
        found = signed(text(f"{name}-cert.pub"))
        assert found and found.authority == words(text("authority.pub"))
        assert (found.principals, found.until, found.signature) == (("web-new", "10.91.0.11"), 1801440000, "rsa-sha2-512")


@pytest.mark.parametrize(
    "line", ["", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-rsa bm90IGEga2V5", text("ed25519-cert.pub")[:80], "-----BEGIN OPENSSH PRIVATE KEY-----"]
)
def test_what_is_no_key_is_none_and_stops_nothing(line: str) -> None:
    assert words(line) == "" or signed(line) is None


def test_options_before_a_key_and_a_comment_behind_it_do_not_belong_to_it() -> None:
    plain = words(text("ed25519.pub"))
    assert words(f'cert-authority,from="10.0.0.0/8" {plain} somebody@somewhere') == plain


def test_an_rsa_key_signs_with_sha2_and_so_does_its_certificate() -> None:
    public = words(text("rsa3072.pub"))
    assert signs_with(public) == ("rsa-sha2-512", "rsa-sha2-256")
    assert signs_with(public, certified=True)[0] == "rsa-sha2-512-cert-v01@openssh.com"


@pytest.mark.parametrize("type_", ["ssh-mldsa44-ed25519", "ssh-mldsa44-ed25519@openssh.com"])
def test_the_composite_kind_is_known_under_the_names_of_10_4_and_of_10_6(type_: str) -> None:
    found = HostKey("/etc/ssh/ssh_host_mldsa44_ed25519_20270110_key", f"{type_} AAAA", TODAY)
    assert (found.kind, found.family) == ("MLDSA44-ED25519", "mldsa44_ed25519") and type_ in signs_with(found.public)
    assert planned(found, kinds=("MLDSA44-ED25519",)) == Rotation()


# ---------------------------------------------------------------- what is due


def test_each_key_of_today_gets_a_successor_of_its_kind_and_a_second_run_none() -> None:
    old = key("ed25519"), key("rsa2048")
    found = planned(*old)
    assert found.orders == (("ED25519", NEW), ("RSA-3072", "/etc/ssh/ssh_host_rsa_20270110_key")) and not found.removed
    assert "from 2027-01-24 on" in found.waits[-1]
    again = planned(*old, ours("ed25519", TODAY), ours("rsa3072", TODAY))
    assert (again.orders, again.removed) == ((), ()) and "until 2027-01-24" in again.waits[0]


def test_a_key_of_ours_is_due_again_when_it_is_old() -> None:
    young = ours("ed25519", date(2026, 1, 11))
    assert planned(young).orders == () and planned(young, max_age=364).orders == (("ED25519", NEW),)


def test_a_second_key_of_the_same_day_gets_another_name() -> None:
    assert planned(ours("ed25519", TODAY), max_age=0, taken=(NEW,)).orders == (("ED25519", "/etc/ssh/ssh_host_ed25519_20270110b_key"),)


def test_a_kind_that_has_no_successor_stays_and_is_said() -> None:
    found = planned(key("dsa"), key("ed25519"))
    assert [kind for kind, dummy in found.orders] == ["ED25519"] and "DSA-1024" in found.waits[0] and "agility_host_keys" in found.waits[0]


def test_a_key_that_no_algorithm_lets_anybody_use_gets_no_successor() -> None:
    """As after a policy that allows Ed25519 alone, while sshd still loads its RSA key."""
    keys = key("ed25519"), key("rsa3072")
    found = rotation(keys, Terms((), "due", 14, 365, TODAY, ("ssh-ed25519",)))
    assert [kind for kind, dummy in found.orders] == ["ED25519"] and "RSA-3072" in found.waits[0]


def test_a_kind_that_nobody_knows_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(Problem, match=r"ED448.*use some of ED25519"):
        planned(key("ed25519"), kinds=("ED448",))


# ---------------------------------------------------------------- what may go


def test_an_old_key_goes_when_its_successor_was_offered_for_the_whole_overlap() -> None:
    old, new = key("ed25519"), ours("ed25519", date(2026, 12, 27))
    assert planned(old, new).removed == (old,)
    assert planned(old, replace(new, made=date(2026, 12, 28))).removed == ()
    assert planned(old, ours("ed25519", TODAY), phase="contract").removed == (old,), "asked for"
    assert planned(old, new, phase="expand").removed == ()


def test_keys_of_kinds_that_are_not_wanted_go_when_all_that_are_wanted_are_there() -> None:
    old = key("ed25519"), key("rsa3072"), key("dsa")
    new = ours("ed25519", date(2026, 12, 1))
    assert planned(*old, new, kinds=("ED25519",)).removed == old
    assert planned(*old, new, kinds=("ED25519", "ECDSA-P384"), phase="contract").removed == (old[0],)


def test_the_newest_key_never_goes() -> None:
    first, second = ours("ed25519", date(2026, 1, 1)), ours("ed25519", date(2026, 12, 1))
    assert planned(first, second, phase="contract").removed == (first,)
    assert planned(second, phase="contract") == Rotation()


# ---------------------------------------------------------------- the lines


def defaults(config: str = "Include /etc/ssh/sshd_config.d/*.conf\nMatch User x\n  X11Forwarding no\n", **more: str) -> Snapshot:
    keys = {f"/etc/ssh/ssh_host_{name}_key.pub": text(f"{file}.pub") for name, file in (("rsa", "rsa3072"), ("ed25519", "ed25519"))}
    there = Answer((), 0, "/etc/ssh/sshd_config.d\n/etc/ssh/ssh_host_rsa_key\n/etc/ssh/ssh_host_ed25519_key")
    return files_of({MAIN: config, **keys, **more}, dropins=there)


def named(snapshot: Snapshot) -> list[str]:
    return [found.path for found in offered(snapshot)]


def written(snapshot: Snapshot, *added: tuple[str, str], dropped: tuple[tuple[str, str], ...] = ()) -> Snapshot:
    return after_changes(snapshot, edit(snapshot, Lines(added, dropped), tuple(named(snapshot))))


def with_new(snapshot: Snapshot) -> Snapshot:
    return with_files(snapshot, **{f"{NEW}.pub": text("ed25519.pub")})


def test_where_no_key_is_named_those_of_the_defaults_that_exist_are_written_out_first() -> None:
    after = with_new(written(defaults(), ("HostKey", NEW)))
    assert named(after) == ["/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_ed25519_key", NEW]
    assert f"/etc/ssh/sshd_config.d/{DROPIN}" in after.files and after.files[MAIN] == defaults().files[MAIN]


def test_without_a_folder_of_dropins_they_stand_in_the_main_file_before_the_first_match() -> None:
    after = written(defaults("UsePAM yes\nMatch User x\n  X11Forwarding no"), ("HostKey", NEW))
    lines = (after.files[MAIN].text or "").splitlines()
    assert lines.index(f"HostKey {NEW}") < lines.index("Match User x") and named(with_new(after))[-1] == NEW


def test_a_last_line_that_is_not_finished_stays_a_line_of_its_own() -> None:
    after = written(defaults("HostKey /etc/ssh/ssh_host_rsa_key"), ("HostKey", NEW))
    assert after.files[MAIN].text == f"HostKey /etc/ssh/ssh_host_rsa_key\nHostKey {NEW}\n"


def test_new_keys_stand_behind_the_last_of_the_old_wherever_that_is() -> None:
    """Of one type sshd uses the first: a client that knows the old one alone must still get it."""
    snapshot = defaults(
        "Include /etc/ssh/sshd_config.d/*.conf\nhostkey /etc/ssh/ssh_host_ed25519_key\nUsePAM yes\n",
        **{"/etc/ssh/sshd_config.d/50-x.conf": "HostKey /etc/ssh/ssh_host_rsa_key\n"},
    )
    after = written(snapshot, ("HostKey", NEW))
    assert after.files[MAIN].text == f"Include /etc/ssh/sshd_config.d/*.conf\nhostkey /etc/ssh/ssh_host_ed25519_key\nHostKey {NEW}\nUsePAM yes\n"
    assert named(with_new(after)) == ["/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_ed25519_key", NEW]


def test_what_goes_loses_its_lines_in_every_file_and_nothing_else_changes() -> None:
    config = (
        f"# ours\nHostKey /etc/ssh/ssh_host_ed25519_key # old\nHostKey {NEW}\nHostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub\nUsePAM yes\n"
    )
    gone = (("HostKey", "/etc/ssh/ssh_host_ed25519_key"), ("HostCertificate", "/etc/ssh/ssh_host_ed25519_key-cert.pub"))
    after = written(with_new(defaults(config)), dropped=gone)
    assert after.files[MAIN].text == f"# ours\nHostKey {NEW}\nUsePAM yes\n"


def test_a_key_of_the_command_line_is_left_to_whoever_put_it_there() -> None:
    snapshot = defaults(**{"/etc/default/ssh": 'SSHD_OPTS="-o HostKey=/etc/ssh/other"\n'})
    with pytest.raises(Inexpressible, match="command line"):
        edit(snapshot, Lines((("HostKey", NEW),)), ())


def test_a_dropin_of_ours_that_names_no_key_yet_is_gone_on_with() -> None:
    dropin = f"/etc/ssh/sshd_config.d/{DROPIN}"
    signed_ = with_files(defaults(), **{dropin: "# ours\nHostCertificate /etc/ssh/ssh_host_rsa_key-cert.pub\n"})
    assert named(signed_) == named(defaults())
    after = with_new(written(signed_, ("HostKey", NEW)))
    assert named(after) == ["/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_ed25519_key", NEW]
    assert (after.files[dropin].text or "").startswith("# ours\nHostCertificate ")


def test_carriage_returns_stay() -> None:
    after = written(defaults("HostKey /etc/ssh/ssh_host_rsa_key\r\nUsePAM yes\r\n"), ("HostKey", NEW))
    assert after.files[MAIN].text == f"HostKey /etc/ssh/ssh_host_rsa_key\r\nHostKey {NEW}\r\nUsePAM yes\r\n"


def test_on_the_lab_hosts_the_keys_are_those_that_sshd_says(host: str) -> None:
    assert named(captured(host)) == [line.split()[1] for line in captured(host).answers["sshd-T"].out.splitlines() if line.startswith("hostkey ")]


# ---------------------------------------------------------------- certificates, and what is told


def test_a_certificate_belongs_to_the_key_that_it_carries() -> None:
    more = {"/etc/ssh/any.pub": text("ed25519-cert.pub")}
    found = offered(defaults("HostCertificate /etc/ssh/any.pub\n", **more))
    assert [(one.kind, one.certificate) for one in found] == [("RSA-3072", ""), ("ED25519", "/etc/ssh/any.pub")]


def notes(snapshot: Snapshot) -> str:
    return "\n".join(SERVICE.read(snapshot)[0].notes)


def test_a_key_that_others_can_read_is_told_in_the_words_of_sshd() -> None:
    snapshot = captured("web-new")
    err = "Permissions 0644 for '/etc/ssh/ssh_host_ed25519_key' are too open.\r\nThis private key will be ignored.\r\n"
    answers = {**snapshot.answers, "sshd-T": replace(snapshot.answers["sshd-T"], err=err)}
    assert "sshd ignores the host key /etc/ssh/ssh_host_ed25519_key" in notes(replace(snapshot, answers=answers))
    assert "ignores" not in notes(snapshot)


@pytest.mark.parametrize(("name", "weak"), [("dsa", True), ("rsa1024", True), ("rsa2048", False), ("ed25519", False)])
def test_a_weak_host_key_and_a_weak_authority_are_told(name: str, weak: bool) -> None:
    config = "HostKey /etc/ssh/k\nTrustedUserCAKeys /etc/ssh/ca.pub\n"
    told = notes(files_of({MAIN: config, "/etc/ssh/k.pub": text(f"{name}.pub"), "/etc/ssh/ca.pub": text(f"{name}.pub")}))
    assert ("the host key /etc/ssh/k is" in told) == weak
    assert fingerprint(words(text(f"{name}.pub"))) in told and (", which is weak" in told.partition("authority")[2]) == weak


def test_sha1_of_authorities_is_told() -> None:
    said = Answer((), 0, "casignaturealgorithms ssh-ed25519,ssh-rsa\n")
    assert "SHA-1 (ssh-rsa)" in notes(files_of({MAIN: "UsePAM yes\n"}, **{"sshd-T": said}))


@pytest.mark.parametrize("problem", ["", "cannot be read: no privilege"])
def test_a_list_of_revoked_keys_that_is_not_there_lets_nobody_in_and_is_told(problem: str) -> None:
    snapshot = files_of({MAIN: "RevokedKeys /etc/ssh/krl\n"})
    files = {**snapshot.files, **({"/etc/ssh/krl": File("/etc/ssh/krl", None, "", 0, problem=problem)} if problem else {})}
    assert "sshd lets nobody in" in notes(replace(snapshot, files=files))
    there = File("/etc/ssh/krl", None, "0" * 64, 9, problem="not a text file: NUL at byte 7")
    assert "lets nobody in" not in notes(replace(snapshot, files={**snapshot.files, "/etc/ssh/krl": there}))
