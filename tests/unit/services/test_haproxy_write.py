"""services/haproxy_write.py: the fewest edits that make wishes come true, judged by reading the edited files again."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Inexpressible, Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES

from tests.fixtures.haproxy.load import CFG, PEM, applied, captured, one, pem, written

HAPROXY = SERVICES["haproxy"]
CRT = f"crt {PEM}"
HYBRID = Wanted(("X25519MLKEM768", "X25519"), (0, 1))
TWO = "haproxy *:443", "haproxy *:444"


def after(text: str, wishes: dict[str, dict[str, Wanted]], **more: str) -> str:
    """The one file after the edits."""
    return written_by(one(text, **more), wishes)


def written_by(snapshot: Snapshot, wishes: dict[str, dict[str, Wanted]]) -> str:
    changes = HAPROXY.write(snapshot, wishes)
    assert not HAPROXY.write(applied(snapshot, changes), wishes), "a second run changes nothing"
    (change,) = changes
    text = snapshot.files[change.path].text or ""
    assert change.after == lines.sha256(lines.apply(text, change.edits)) and change.mode == snapshot.files[change.path].mode
    return lines.apply(text, change.edits)


def test_the_word_that_governs_is_replaced_and_nothing_else() -> None:
    snapshot = captured("svc-new")
    old = snapshot.files[CFG].text or ""
    assert written_by(snapshot, {"haproxy *:443": {"key_exchange": HYBRID}}) == old.replace("curves X25519:P-256", "curves X25519MLKEM768/X25519")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bind :443 ssl {0} # c", "bind :443 ssl {0} curves X25519MLKEM768/X25519 # c"),
        ('bind :443 ssl {0} curves "P-256" name x', 'bind :443 ssl {0} curves "X25519MLKEM768/X25519" name x'),
        ("bind :443 ssl ecdhe P-256 {0}", "bind :443 ssl curves X25519MLKEM768/X25519 {0}"),
        ("bind :443 ssl {0} curves P-256 ecdhe P-384", "bind :443 ssl {0} curves X25519MLKEM768/X25519 ecdhe P-384"),
        ("bind :443 ssl {0} curves P-384 curves P-256", "bind :443 ssl {0} curves P-384 curves X25519MLKEM768/X25519"),
    ],
)
def test_a_bind_of_its_own_says_it_on_its_line(old: str, new: str) -> None:
    text = "global\n\nfrontend f\r\n\t{}\r\n"
    assert after(text.format(old.format(CRT)), {"haproxy *:443": {"key_exchange": HYBRID}}) == text.format(new.format(CRT))


def test_a_default_of_several_binds_is_edited_once_when_all_wish_the_same() -> None:
    text = f"global\n ssl-default-bind-curves {{}}\nfrontend f\n bind :443 ssl {CRT}\n bind :444 ssl {CRT}\n"
    assert after(text.format("P-256"), {id_: {"key_exchange": HYBRID} for id_ in TWO}) == text.format("X25519MLKEM768/X25519")


def test_a_default_that_others_keep_stays_and_the_bind_says_its_own() -> None:
    text = f"global\n ssl-default-bind-curves P-256\nfrontend f\n bind :443 ssl {CRT}{{}}\n bind :444 ssl {CRT}\n"
    assert after(text.format(""), {TWO[0]: {"key_exchange": HYBRID}}) == text.format(" curves X25519MLKEM768/X25519")


def test_what_nobody_says_is_said_once_as_a_default_behind_its_like() -> None:
    text = f"global\n  ssl-default-bind-ciphers HIGH\n{{}}  daemon\nfrontend f\n bind :443 ssl {CRT}\nlisten l\n bind :444 ssl {CRT}\n"
    new = "  ssl-default-bind-curves X25519MLKEM768/X25519\n"
    assert after(text.format(""), {id_: {"key_exchange": HYBRID} for id_ in TWO}) == text.format(new)


def test_without_a_global_section_before_them_each_bind_says_it() -> None:
    text = f"frontend f\n bind :443 ssl {CRT}{{0}}\n bind :444 ssl {CRT}{{0}}\nglobal\n daemon\n"
    assert after(text.format(""), {id_: {"key_exchange": HYBRID} for id_ in TWO}) == text.format(" curves X25519MLKEM768/X25519")


@pytest.mark.parametrize(
    ("default", "own", "new_default", "new_own"),
    [
        ("ssl-min-ver TLSv1.2 no-tls-tickets", "", "ssl-min-ver TLSv1.3 no-tls-tickets", ""),
        ("no-sslv3 no-tlsv10 no-tlsv11 no-tls-tickets", "", "ssl-min-ver TLSv1.3 no-tls-tickets", ""),
        ("no-tls-tickets", "", "no-tls-tickets", " ssl-min-ver TLSv1.3"),
        ("no-tls-tickets", " ssl-max-ver TLSv1.2 name x", "no-tls-tickets", " ssl-min-ver TLSv1.3 ssl-max-ver TLSv1.3 name x"),
        ("ssl-max-ver TLSv1.2", " force-tlsv12", "ssl-max-ver TLSv1.2", " ssl-min-ver TLSv1.3 ssl-max-ver TLSv1.3"),
        ("no-tls-tickets", " no-tlsv10 alpn h2 no-tlsv11", "no-tls-tickets", " ssl-min-ver TLSv1.3 alpn h2"),
    ],
)
def test_versions_are_written_as_bounds(default: str, own: str, new_default: str, new_own: str) -> None:
    text = f"global\n ssl-default-bind-options {{}}\nfrontend f\n bind :443 ssl {CRT}{{}}\n"
    assert after(text.format(default, own), {TWO[0]: {"version": Wanted(("TLSv1.3",))}}) == text.format(new_default, new_own)


def test_versions_of_several_binds_join_the_options_that_are_there() -> None:
    text = f"global\n ssl-default-bind-options no-tls-tickets{{}}\nfrontend f\n bind :443 ssl {CRT}\n bind :444 ssl {CRT}\n"
    wishes = {id_: {"version": Wanted(("TLSv1.3",))} for id_ in TWO}
    assert after(text.format(""), wishes) == text.format(" ssl-min-ver TLSv1.3")


def test_words_and_lines_behind_one_line_do_not_get_mixed_up() -> None:
    text = f"global\n ssl-default-bind-options no-tls-tickets{{}}frontend f\n bind :443 ssl {CRT}\n bind :444 ssl {CRT}\n"
    wishes = {id_: {"version": Wanted(("TLSv1.3",)), "key_exchange": HYBRID} for id_ in TWO}
    assert after(text.format("\n"), wishes) == text.format(" ssl-min-ver TLSv1.3\n ssl-default-bind-curves X25519MLKEM768/X25519\n")


def test_both_lists_of_suites_are_written_and_the_level_stays() -> None:
    text = f"global\n ssl-default-bind-ciphers {{}}\nfrontend f\n bind :443 ssl {CRT}{{}}\n"
    wanted = Wanted(("TLS_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"))
    new = text.format("ECDHE-ECDSA-AES256-GCM-SHA384:@SECLEVEL=2", " ciphersuites TLS_AES_256_GCM_SHA384")
    assert after(text.format("HIGH:!aNULL:@SECLEVEL=2", ""), {TWO[0]: {"cipher": wanted}}) == new


def test_all_aspects_at_once_and_a_second_file() -> None:
    texts = {
        CFG: "global\n ssl-default-bind-options ssl-min-ver TLSv1.2\n",
        "/etc/haproxy/conf.d/f.cfg": f"frontend f\n bind :443 ssl {CRT}\n",
        PEM: pem(),
    }
    snapshot = written(texts, told=("-f", CFG, "-f", "/etc/haproxy/conf.d"))
    changes = HAPROXY.write(snapshot, {TWO[0]: {"version": Wanted(("TLSv1.3",)), "key_exchange": HYBRID}})
    assert [change.path for change in changes] == [CFG, "/etc/haproxy/conf.d/f.cfg"]


@pytest.mark.parametrize(
    ("line", "wanted", "why"),
    [
        ("", {"key_exchange": Wanted(())}, "an empty list"),
        ("", {"key_exchange": Wanted(("X25519Kyber",))}, "does not know X25519Kyber"),
        ("", {"version": Wanted(("TLSv1.1", "TLSv1.3"))}, "no way to turn off a version between"),
        ("", {"cipher": Wanted(("TLS_AES_256_GCM_SHA384",))}, "no suite of TLS 1.2 and before would be left"),
        ("", {"cipher": Wanted(("TLS_AES_256_GCM_SHA384", "NULL-SHA1024"))}, "does not know NULL-SHA1024"),
        ("", {"signature": Wanted(("ML-DSA-65",))}, "does not write signature"),
        (" crt-list /etc/haproxy/l.txt", {"version": Wanted(("TLSv1.3",))}, "has the last word"),
    ],
)
def test_what_cannot_be_said_is_refused_and_nothing_is_written(line: str, wanted: dict[str, Wanted], why: str) -> None:
    texts = {CFG: f"frontend f\n bind :443 ssl {CRT}{line}\n", PEM: pem(), "/etc/haproxy/l.txt": f"{PEM} [ssl-min-ver TLSv1.2]\n"}
    with pytest.raises(Inexpressible, match=why):
        HAPROXY.write(written(texts), {TWO[0]: wanted})


def test_the_addresses_of_one_bind_cannot_differ() -> None:
    with pytest.raises(Inexpressible, match="would change too"):
        HAPROXY.write(one(f"frontend f\n bind :443,:444 ssl {CRT}\n"), {TWO[0]: {"key_exchange": HYBRID}})
