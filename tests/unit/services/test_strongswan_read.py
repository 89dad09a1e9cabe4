"""services/strongswan*.py: what a tunnel would agree on, what it did, and from where that is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint, Snapshot, Unparsable
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import strongswan_vici as vici
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan import SERVICE
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan_proposals import named, parse

from tests.fixtures.strongswan.load import MAIN, SITE, captured, having, text, unloaded

MANY = text("many.conf")


def endpoints(snapshot: Snapshot) -> dict[str, Endpoint]:
    return {one.id.removeprefix("strongswan "): one for one in SERVICE.read(snapshot)}


def exchanges(one: Endpoint) -> tuple[str, ...]:
    return one.settings["key_exchange"].values


def notes(one: Endpoint) -> str:
    return "\n".join(one.notes)


# ---------------------------------------------------------------- the two ends of the lab's tunnel


@pytest.mark.parametrize(("host", "address"), [("vpn-a", "10.91.0.18"), ("vpn-b", "10.91.0.19")])
def test_each_end_shows_its_connection_and_its_child(host: str, address: str) -> None:
    found = endpoints(captured(host))
    assert list(found) == ["site", "site/net"]
    ike, esp = found.values()
    assert (ike.protocol, esp.protocol, ike.version, ike.addresses) == ("ikev2", "esp", "strongSwan 6.1.0", ((address, 500),))
    assert exchanges(ike) == exchanges(esp) == ("x25519",)
    assert (str(ike.settings["key_exchange"].origin), ike.settings["key_exchange"].evidence) == (f"{SITE}:6", "effective")
    assert str(esp.settings["key_exchange"].origin) == f"{SITE}:19"
    assert (ike.settings["cipher"].values, ike.settings["prf"].values) == (("aes256gcm16",), ("prfsha384",))
    assert ike.settings["version"].values == ("2",)
    assert ike.settings["authentication"].values == ("local=psk", "remote=psk")
    assert (ike.settings["ppk"].values, ike.settings["fragmentation"].values) == (("mode=off",), ("yes",))
    assert ike.settings["lifetime"].values == ("rekey=4h", "reauth=0s")


@pytest.mark.parametrize("host", ["vpn-a", "vpn-b"])
def test_what_the_sas_agreed_on_is_shown_as_swanctl_shows_it(host: str) -> None:
    ike, esp = endpoints(captured(host)).values()
    assert (ike.settings["sa"].values, ike.settings["sa"].evidence) == (("AES_GCM_16-256/PRF_HMAC_SHA2_384/CURVE_25519",), "negotiated")
    assert esp.settings["sa"].values == ("AES_GCM_16-256",)
    assert notes(esp) == "its SA of now was born with the IKE SA: whether both ends agree on its own exchange shows at the first rekeying"


def test_one_look_is_enough_and_brings_no_secret() -> None:
    seen = captured("vpn-a")
    assert SERVICE.missing(seen) == ()
    assert "lab psk" not in "".join(file.text or "" for file in seen.files.values())


def test_the_daemon_tells_what_it_can() -> None:
    new, old = (endpoints(having(suite, MANY))["soft"].capabilities["key_exchange"].names for suite in ("forky", "trixie"))
    assert new and old and {"x25519-ke1_mlkem768", "mlkem1024"} <= set(new)
    assert "x25519" in old and not [name for name in old if "mlkem" in name]
    assert endpoints(captured("vpn-a"))["site/net"].capabilities["cipher"].names is None, "the kernel decides, and nobody asked it"


# ---------------------------------------------------------------- what counts


def test_every_combination_is_an_exchange_in_the_order_of_the_proposal() -> None:
    found = exchanges(endpoints(having("forky", MANY))["inh"])
    assert found[:4] == ("x25519-ke1_mlkem768", "x25519", "ecp256-ke1_mlkem768", "ecp256")
    assert found[4:8] == ("ecp384", "ecp521", "ecp256bp", "ecp384bp"), "and behind them what `default` stands for, as charon tells"


def test_inheritance_and_inline_sections_are_followed_to_their_lines() -> None:
    found = endpoints(having("forky", MANY))
    assert list(found) == ["dflt", "dflt/a", "dflt/b", "dflt/c", "inh", "soft"]
    assert str(found["inh"].settings["key_exchange"].origin) == f"{MAIN}:4"
    assert exchanges(found["soft"]) == ("ecp384-ke1_mlkem1024", "ecp384")
    assert found["soft"].addresses == (("10.91.0.1", 500), ("10.91.0.2", 500)) and found["dflt"].addresses == (("*", 500),)
    assert exchanges(found["dflt/b"]) == ("x25519",) and found["dflt/b"].settings["mac"].values == ("sha256",)


def test_a_ppk_that_is_required_is_not_one_that_is_enabled() -> None:
    found = endpoints(having("forky", MANY))
    assert [found[name].settings["ppk"].values for name in ("inh", "soft", "dflt")] == [("mode=required",), ("mode=enabled",), ("mode=off",)]
    assert "a peer without it gets an SA without it in silence" in notes(found["soft"]) and "in silence" not in notes(found["dflt"])
    assert "reauth_time is 0" in notes(found["soft"]) and "reauth_time" not in notes(found["inh"])


def test_zero_means_what_this_version_makes_of_it() -> None:
    new, old = endpoints(having("forky", MANY)), endpoints(having("trixie", MANY))
    assert new["dflt"].settings["version"].values == ("2",), "6.1 takes IKEv2 alone"
    assert old["dflt"].settings["version"].values == ("2", "1") and "IKEv1 is taken too" in notes(old["dflt"])
    assert "version" not in endpoints(having("forky", MANY, told=False))["dflt"].settings
    assert endpoints(having("forky", MANY, told=False))["inh"].settings["version"].values == ("2",)


def test_an_optional_exchange_and_a_missing_one_are_told() -> None:
    found = endpoints(having("forky", MANY))
    assert "keN_none makes the additional exchange optional" in notes(found["inh"]) and "keN_none" not in notes(found["soft"])
    assert "no forward secrecy of its own" in notes(found["dflt/c"]) and "no forward secrecy" not in notes(found["dflt/b"])
    assert "without fragmentation" in notes(found["inh"])


def test_6_0_1_reads_ml_kem_and_has_none_so_it_does_not_count() -> None:
    soft = endpoints(having("trixie", MANY))["soft"]
    assert exchanges(soft) == ("ecp384",)
    assert "reads ecp384-ke1_mlkem1024, would agree on it and then fail" in notes(soft)


def test_default_is_what_the_daemon_has_loaded_else_worked_out_from_its_algorithms() -> None:
    told = endpoints(having("forky", MANY))["dflt"]
    worked_out = endpoints(unloaded(having("forky", MANY)))["dflt"]
    assert set(exchanges(told)) == set(exchanges(worked_out)) and not [name for name in exchanges(told) if "mlkem" in name]
    assert (told.settings["key_exchange"].evidence, worked_out.settings["key_exchange"].evidence) == ("effective", "configured")


def test_what_nobody_can_tell_is_unknown() -> None:
    found = endpoints(having("forky", MANY, told=False))
    assert "key_exchange" not in found["dflt"].settings and "key_exchange" not in found["dflt/a"].settings
    assert found["dflt"].capabilities["key_exchange"].names is None
    assert exchanges(found["soft"]) == ("ecp384-ke1_mlkem1024", "ecp384"), "what is written is known all the same"


def test_files_that_say_something_else_than_is_loaded_are_told() -> None:
    changed = endpoints(having("forky", MANY.replace("ecp384-ke1_mlkem1024, ", "x25519, ")))["soft"]
    assert exchanges(changed) == ("ecp384-ke1_mlkem1024", "ecp384") and "charon has loaded something else" in notes(changed)
    new = endpoints(having("forky", MANY + "connections { new { } }"))["new"]
    assert "charon has not loaded it" in notes(new)


def test_a_word_that_nobody_knows_is_shown_and_stops_nothing() -> None:
    found = endpoints(unloaded(having("forky", "connections { x { proposals = aes256-sha256-frodo640 } }")))["x"]
    assert "frodo640" in found.settings["key_exchange"].values


# ---------------------------------------------------------------- files


def test_includes_are_followed_and_what_is_not_there_is_asked_for() -> None:
    main = "include conf.d/*.conf\ninclude /srv/vpn/*.conf\ninclude extra.conf\n"
    seen = having("forky", main, **{SITE: "connections { a { } }"})
    assert SERVICE.missing(seen) == ("/etc/swanctl/extra.conf", "/srv/vpn/*.conf")
    with pytest.raises(Unparsable, match=r"swanctl.conf:3: /etc/swanctl/extra.conf was not seen"):
        SERVICE.read(having("forky", "\n\ninclude extra.conf\n"))


def test_a_file_without_connections_has_no_endpoints() -> None:
    assert SERVICE.read(having("forky", "# nothing\nsecrets { }\n")) == ()
    assert SERVICE.read(replace(having("forky", ""), files={})) == ()


def test_a_section_that_refers_to_itself_is_read_once() -> None:
    assert list(endpoints(having("forky", "connections { a : connections.b { } b : connections.a { version = 2 } }"))) == ["a", "b"]


def test_a_text_that_swanctl_refuses_stops_the_host_with_its_line() -> None:
    with pytest.raises(Unparsable, match=r"swanctl.conf:2: "):
        SERVICE.read(having("forky", "connections {\n}}\n"))


# ---------------------------------------------------------------- small things


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("aes256-sha256-modp2048", ("modp2048",)),
        ("aes256gcm16-prfsha384-curve25519-ke1_mlkem768-ke2_mlkem1024", ("x25519-ke1_mlkem768-ke2_mlkem1024",)),
        ("aes256gcm16-none-x25519", ("x25519",)),
        ("aes256gcm16", ()),
    ],
)
def test_a_proposal_has_its_exchanges(said: str, expected: tuple[str, ...]) -> None:
    assert parse(said).exchanges == expected


def test_what_is_printed_has_a_keyword() -> None:
    assert [named("cipher", name) for name in ("AES_GCM_16_256", "AES_CBC_128", "CHACHA20_POLY1305")] == ["aes256gcm16", "aes128", "chacha20poly1305"]


def test_an_sa_tells_its_exchange() -> None:
    line = "list-sa event {lab {state=ESTABLISHED encr-alg=AES_GCM_16 encr-keysize=256 prf-alg=PRF_HMAC_SHA2_384 dh-group=CURVE_25519 ake1=ML_KEM_768 ppk=yes}}"
    answer = replace(captured("vpn-a").answers[vici.SAS], out=line)
    (tree,) = vici.events(answer)["lab"]
    assert vici.exchange(tree) == "x25519-ke1_mlkem768"
    assert vici.suite(tree) == "AES_GCM_16-256/PRF_HMAC_SHA2_384/CURVE_25519/KE1_ML_KEM_768/PPK"
