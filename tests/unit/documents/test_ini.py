"""documents/ini.py: sections of wg-quick and of systemd-networkd as their programs read them, and no byte lost."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import ini
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Unparsable
from hypothesis import given
from hypothesis import strategies as st

QUICK = """# wg0, the way to the branch
[Interface]
PrivateKey = [redacted]
ListenPort=51820 # behind the router
PostUp = iptables -A FORWARD -i %i -j ACCEPT

[peer]
publickey = yLQ0Vh6Q5tQZ8s6k7i2A6kYx2Yb0b8Jk3mJ3VfU6bHo=
AllowedIPs = 10.8.0.2/32
AllowedIPs = 10.9.0.0/24
[Peer]
PublicKey = hV2D3wQ1Xn2gH2n8p8J0r1m0mX0b3oYwE5d0kZk6Y1U=
PresharedKey = [redacted]
"""
PIECES = ["[Interface]", "[Peer]", "Key = v", " key=v # c", "# c", "; c", "", "\r", "a \\", "  b", "PostUp = a=b", "é = ü", "[x", "=", "k="]


def test_sections_repeat_and_so_do_keys() -> None:
    document = ini.parse(QUICK, "/etc/wireguard/wg0.conf", ini.WG)
    (interface,), peers = document.of("interface"), document.of("peer")
    assert (interface.value("listenport"), interface.line) == ("51820", 2)
    assert [one.value for one in peers[0].of("allowedips")] == ["10.8.0.2/32", "10.9.0.0/24"]
    assert [peer.value("presharedkey") for peer in peers] == ["", "[redacted]"]
    assert interface.value("postup") == "iptables -A FORWARD -i %i -j ACCEPT"


@pytest.mark.parametrize("line", ["PublicKey", "[Peer", "= x", "; no comment here"])
def test_what_wg_refuses_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(Unparsable) as told:
        ini.parse(f"[Interface]\n{line}\n", "wg0.conf", ini.WG)
    assert told.value.where == "wg0.conf:2"


def test_networkd_takes_letter_case_as_it_is_continues_lines_and_keeps_a_hash_in_a_value() -> None:
    text = "; c\n[WireGuardPeer]\nAllowedIPs=10.0.0.0/8, \\\n# between\n  10.1.0.0/16\nPublicKey=a#b\nnonsense\n[wireguardpeer]\n"
    (peer,) = ini.parse(text, "wg0.netdev", ini.NETWORKD).of("WireGuardPeer")
    assert peer.value("AllowedIPs") == "10.0.0.0/8,    10.1.0.0/16" and peer.of("AllowedIPs")[0].more == 2
    assert peer.value("PublicKey") == "a#b"


def test_an_edit_touches_the_value_alone() -> None:
    line = "\tListenPort =  51820  # ours\r\n"
    document = ini.parse(f"[Interface]\n{line}", "f", ini.WG)
    (entry,) = document.sections[0].entries
    assert ini.replaced(line, entry, "443") == "\tListenPort =  443  # ours\r\n"


@pytest.mark.parametrize("dialect", [ini.WG, ini.NETWORKD], ids=["wg", "networkd"])
@given(text=st.one_of(st.lists(st.sampled_from(PIECES)).map("\n".join), st.text()))
def test_texts_that_parse_render_to_themselves_and_entries_stand_where_they_say(dialect: ini.Dialect, text: str) -> None:
    try:
        document = ini.parse(text, "f", dialect)
    except Unparsable as error:
        assert error.where.startswith("f:") and dialect is ini.WG
        return
    assert ini.render(document) == text
    for entry in (entry for section in document.sections for entry in section.entries if not entry.more):
        assert document.lines[entry.line - 1][entry.start : entry.end] == entry.value
