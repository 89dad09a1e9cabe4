"""certificates/bundle.py: files of anchors, and the fewest edits that add one or take one away."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.authority import Authority
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.bundle import blocks, ends_below, holds, with_anchor, without
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import lines

from ...emulators import pem
from .ca import create, make_key

NOW = datetime(2026, 11, 27, tzinfo=UTC)
KEYS = {name: make_key(kind) for name, kind in (("old", "ECDSA-P256"), ("new", "ML-DSA-65"))}
OLD, NEW = (create(name, key, 99, NOW, 1) for name, key in KEYS.items())
TWIN = create("old", make_key("ECDSA-P256"), 99, NOW, 1)  # the same name, another key


@pytest.mark.parametrize("end", ["", "\n", "\n# the last word\n", "\n\n"])
def test_what_was_added_goes_again_and_leaves_every_other_byte(end: str) -> None:
    text = f"# Old clients\n{pem(OLD).rstrip()}{end}"
    both = lines.apply(text, with_anchor(text, pem(NEW)))
    assert both.startswith(text) and holds(both, OLD) and holds(both, NEW)
    assert lines.apply(both, without(both, NEW)) == (text if text.endswith("\n") else text + "\n")
    rest = lines.apply(both, without(both, OLD))
    assert holds(rest, NEW) and not holds(rest, OLD) and rest.startswith("# Old clients\n")


def test_a_certificate_that_cannot_be_read_hides_none_behind_it() -> None:
    text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + pem(OLD).replace("\n", "\r\n")
    assert [block.certificate for block in blocks(text)] == [None, OLD]
    assert without(text, OLD)[0].line == 4


def test_who_issued_a_chain_is_told_by_the_signature_not_by_the_name() -> None:
    for issuer, key in ((OLD, KEYS["old"]), (NEW, KEYS["new"])):
        leaf = create("client", make_key("ECDSA-P256"), 9, NOW, 2, Authority(issuer, key, ()), ca=False)
        assert [ends_below(pem(leaf), one) for one in (OLD, TWIN, NEW)] == [issuer is OLD, False, issuer is NEW]
    assert not ends_below(pem(OLD), OLD), "an anchor beside nothing is no client's"
