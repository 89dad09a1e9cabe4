"""What products call the algorithms: each word has a place where a reader finds it, means one thing, and real configurations use no others."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.lookup import ALL, USES, Algorithm, all_of, find, named
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.spelled import PRODUCTS, Spellings, spellings
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.names import akin

from ..conftest import CORPUS

ASKED = {"openssl", "openssh", "swanctl", "strongswan", "iana", "go", "openvpn", "wireguard"}  # rows.py says of whom
FOUND = [(a, product, word) for a in ALL for product in PRODUCTS for word in a.names.get(product, ())]


def place(group: Spellings) -> str:
    return f"{group.implementation} {' '.join(group.use)}: {group.section}"


def test_every_product_that_the_issue_names_has_its_words() -> None:
    assert {"gnutls", "nss", "libreswan", "ios", "junos", "eos", "fortios", "vyos", "asa", "panos", "routeros", "f5"} == PRODUCTS
    assert {implementation for a in ALL for implementation in a.names} == PRODUCTS | ASKED


@pytest.mark.parametrize("group", spellings(), ids=place)
def test_a_group_says_where_it_is_written_and_all_of_it_reaches_a_row(group: Spellings) -> None:
    assert group.source
    assert group.section
    assert group.grade in ("P", "S", "U")
    assert (group.grade == "U") == (group.source == "the project's own notes"), "say who was read, or that nobody was"
    assert group.use in USES
    ids = {a.id for a in all_of(*group.use)}
    assert set(group.names) <= ids
    theirs = {word for a in all_of(*group.use) for word in a.names.get(group.as_, ())}
    assert set(group.words) <= theirs, f"{group.as_} has no such word"
    assert group.words or group.names


def test_a_word_means_one_algorithm_in_one_product_and_use() -> None:
    meant = defaultdict(set)
    for a, product, word in FOUND:
        meant[product, a.protocol, a.aspect, word.lower()].add(a.id)
    assert {key: ids for key, ids in meant.items() if len(ids) > 1} == {}
    assert [key for key, times in Counter((a, product, word) for a, product, word in FOUND).items() if times > 1] == []


def test_a_word_leads_back_to_its_algorithm() -> None:
    astray = [(product, word) for a, product, word in FOUND if not word.isdigit() and find(a.protocol, a.aspect, word) != a]
    assert len(FOUND) > 800
    assert astray == []


def test_what_is_unlisted_has_a_reason_and_no_row() -> None:
    for group in spellings():
        words = {word for a in all_of(*group.use) for word in a.names.get(group.implementation, ())}
        assert not words & set(group.unlisted), place(group)
        assert all(group.unlisted.values()), place(group)


def test_the_word_of_a_product_does_not_widen_what_a_policy_means() -> None:
    """Junos calls a MAC of ESP as SSH calls another one of its own: who retires that of SSH means no other."""
    found = find("esp", "mac", "hmac-sha1-96")
    assert found
    assert found.id == "AUTH_HMAC_SHA1_96"
    assert [a.protocol for a in named("hmac-sha1-96")] == ["ssh"]
    assert akin("hmac-sha1-96") == ("hmac-sha1-96",)


# ---------------------------------------------------------------- real configurations

IKE, ESP = ("ikev2",), ("esp",)


def _words(pattern: str, text: str) -> Iterator[str]:
    """What the last group of the pattern finds, its words apart."""
    for match in re.finditer(pattern, text, re.MULTILINE):
        yield from match[match.lastindex or 0].split()


def _whole(pattern: str, text: str) -> Iterator[str]:
    return (match[1].strip() for match in re.finditer(pattern, text, re.MULTILINE))


def ios(text: str) -> Iterator[tuple[str, str, str]]:
    for aspect, pattern in {
        "cipher": r"^ +encr(?:yption)? +(.+?) *$",
        "mac": r"^ +(?:integrity|hash) +(.+?) *$",
        "prf": r"^ +prf +(.+?) *$",
        "key_exchange": r"^ +group +(\d.*?) *$",
    }.items():
        yield from (("ikev2", aspect, word) for said in _whole(pattern, text) for word in ([said] if said.startswith("aes ") else said.split()))
    for transforms in _whole(r"^crypto ipsec transform-set \S+ +(.+)$", text):
        for transform in re.findall(r"(?:esp|ah)-\S+(?: +(?:128|192|256))?", transforms):
            yield "esp", "mac" if transform.endswith("-hmac") else "cipher", " ".join(transform.split())
    yield from (("esp", "key_exchange", word) for word in _words(r"^ +set pfs (group\d+)", text))


def junos(text: str) -> Iterator[tuple[str, str, str]]:
    for aspect, word in {"cipher": "encryption-algorithm", "mac": "authentication-algorithm", "key_exchange": "dh-group|keys"}.items():
        for protocol, kind in {"ikev2": "ike", "esp": "ipsec"}.items():
            pattern = rf"security {kind} (?:proposal|policy) \S+ (?:perfect-forward-secrecy )?(?:{word}) (\S+)"
            yield from ((protocol, aspect, said) for said in _words(pattern, text))


def eos(text: str) -> Iterator[tuple[str, str, str]]:
    for protocol, aspect, pattern in (
        ("ikev2", "cipher", r"^ +encryption (\S+)$"),
        ("ikev2", "mac", r"^ +integrity (\S+)$"),
        ("ikev2", "key_exchange", r"^ +dh-group (\d+)$"),
        ("esp", "cipher", r"^ +esp encryption (\S+)$"),
        ("esp", "mac", r"^ +esp integrity (\S+)$"),
        ("esp", "key_exchange", r"^ +pfs dh-group (\d+)$"),
        ("tls", "version", r"^ +tls versions (.+)$"),
    ):
        yield from ((protocol, aspect, word) for word in _words(pattern, text))
    yield from (("tls", "cipher", word) for said in _words(r"^ +cipher-list (\S+)$", text) for word in said.split(":"))


def vyos(text: str) -> Iterator[tuple[str, str, str]]:
    ipsec = text[text.find("    ipsec {") :] if "    ipsec {" in text else ""
    for protocol, aspect, pattern in (
        ("ikev2", "version", r"^ +key-exchange (ikev\S+)$"),
        ("ikev2", "key_exchange", r"^ +dh-group \"?(\d+)\"?$"),
        ("ikev2", "cipher", r"^ +encryption \"?([a-z0-9]+)\"?$"),
        ("ikev2", "mac", r"^ +hash \"?([a-z0-9_]+)\"?$"),
        ("esp", "key_exchange", r"^ +pfs \"?(\S+?)\"?$"),
    ):
        yield from ((protocol, aspect, word) for word in _words(pattern, ipsec))


PROPOSAL = re.compile(r"^\s*(ike|esp|ah|proposals|esp_proposals)\s*=\s*([^#\n]+)", re.MULTILINE)


def libreswan(text: str) -> Iterator[tuple[str, str, str]]:
    for keyword, said in PROPOSAL.findall(text):
        for word in re.split(r"[-;,+]", said.strip()):
            yield "ikev2" if keyword == "ike" else "esp", "", re.sub(r"^addke\d=", "", word)


def strongswan(text: str) -> Iterator[tuple[str, str, str]]:
    for keyword, said in PROPOSAL.findall(text):
        for word in re.split(r"[-,]", said.strip().rstrip("!")):
            yield "ikev2" if keyword in ("ike", "proposals") else "esp", "", re.sub(r"^ke\d_", "", word.strip())


FAMILIES = {  # folder of the corpus → (how to read it, the product, what is no name of an algorithm, files of its neighbours)
    "cisco-ios": (ios, "ios", set(), ("asa", "nxos", "xr", "cisco_webvpn")),
    "juniper-junos": (junos, "junos", set(), ()),
    "arista-eos": (eos, "eos", set(), ()),
    "vyos": (vyos, "vyos", set(), ()),
    "libreswan-ipsec-conf": (libreswan, "libreswan", {"4"}, ()),
    "strongswan-ipsec-conf": (strongswan, "strongswan", set(), ()),
    "strongswan-swanctl": (strongswan, "strongswan", {"esn", "none"}, ()),
}


def _known(product: str, protocol: str, aspect: str, word: str) -> bool:
    aspects = (aspect,) if aspect else ("cipher", "mac", "prf", "key_exchange")
    rows: list[Algorithm] = [a for each in aspects for a in all_of(protocol, each)]
    unlisted = {word for group in spellings() if group.implementation == product and group.use[0] == protocol for word in group.unlisted}
    return word in unlisted or any(word in a.names.get(product, ()) for a in rows)


@pytest.mark.parametrize("family", FAMILIES)
def test_real_configurations_use_words_that_are_known_or_unlisted_by_name(family: str) -> None:
    read, product, no_names, neighbours = FAMILIES[family]
    folder: Path = CORPUS / family
    if not folder.is_dir():
        pytest.skip(f"no file tried: ../shared/corpus/{family} is not beside this checkout")
    said: Counter[tuple[str, str, str]] = Counter()
    for path in sorted(folder.iterdir()):
        if not any(each in path.name for each in neighbours):
            said.update(read(path.read_text(encoding="utf-8", errors="replace")))
    assert sum(said.values()) >= 4, "nothing was read"
    assert sorted(one for one in said if one[2] not in no_names and not _known(product, *one)) == []
