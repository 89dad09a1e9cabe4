"""services/libreswan*.py and ipsec_conf.py: what a tunnel of libreswan would agree on, what it did, and from where that is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Answer, Endpoint, Snapshot, Unparsable
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import resolve, target_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.libreswan import SERVICE
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.libreswan_proposals import parse
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.libreswan_status import COMMANDS, VERSION

from tests.fixtures.libreswan.load import MAIN, SITE, having, lab
from tests.fixtures.strongswan.load import HERE
from tests.unit.conftest import CORPUS, policy_of

HYBRID = "dh31;addke1=ml_kem_768"
FOLDERS = [CORPUS / "libreswan-ipsec-conf", CORPUS / "strongswan-ipsec-conf"]
OTHERS = (".strongswan.conf", ".swanctl.conf", ".ipsekey.conf")  # of the daemons beside it


def endpoints(snapshot: Snapshot) -> dict[str, Endpoint]:
    return {one.id.removeprefix("libreswan "): one for one in SERVICE.read(snapshot)}


def told(one: Endpoint, aspect: str) -> tuple[tuple[str, ...], str, str]:
    setting = one.settings[aspect]
    return setting.values, setting.evidence, str(setting.origin)


def notes(one: Endpoint) -> str:
    return "\n".join(one.notes)


def conn(*said: str, name: str = "x") -> str:
    return "\n".join((f"conn {name}", *(f"\t{line}" for line in ("auto=add", *said)), ""))


# ---------------------------------------------------------------- the lab's host


def test_the_lab_shows_what_pluto_has_loaded_and_where_it_stands() -> None:
    found = endpoints(lab())
    assert list(found) == ["site", "site/esp", "next", "next/esp"], "`ends` is only there for also="
    ike, esp = found["site"], found["site/esp"]
    assert (ike.protocol, esp.protocol, ike.version, ike.addresses) == ("ikev2", "esp", "Libreswan 5.2", (("10.91.0.21", 500),))
    assert told(ike, "key_exchange") == (("dh31",), "effective", f"{SITE}:17")
    assert told(ike, "cipher") == (("aes_gcm256",), "effective", f"{SITE}:17")
    assert told(ike, "prf")[0] == ("sha2_512",)
    assert told(ike, "lifetime") == (("ike=28800s", "reauth=no"), "effective", f"{SITE}:3")
    assert told(ike, "authentication") == (("local=secret", "remote=secret"), "effective", f"{SITE}:11")
    assert told(ike, "ppk") == (("mode=off",), "effective", f"{SITE}:19")
    assert told(ike, "version")[0] == ("ikev2",) and told(ike, "fragmentation") == (("yes",), "effective", f"{SITE}:4")
    assert told(ike, "sa") == (("AES_GCM_16_256-HMAC_SHA2_512-DH31",), "negotiated", "ipsec status")
    assert "sa" not in esp.settings, "the lab's kernel has no ESP"


def test_an_sa_without_a_group_of_its_own_takes_that_of_ike() -> None:
    esp = endpoints(lab())["site/esp"]
    assert told(esp, "key_exchange")[0] == ("dh31",) and told(esp, "cipher")[0] == ("aes_gcm256",)
    assert "takes the group of the IKE SA, without its additional exchange" in notes(esp)


def test_a_binary_without_ml_kem_says_so_and_names_the_way_out() -> None:
    after = endpoints(lab())["next"]
    assert after.settings["key_exchange"].values == (), "5.2 cannot load it, so nothing is agreed on"
    assert f"this pluto has no {HYBRID} (ipsec status) and refuses the connection" in notes(after)
    assert "need libreswan 5.4 built with NSS 3.118.1" in notes(after) and "pluto has not loaded it (ipsec add next says why)" in notes(after)
    assert not [name for name in after.capabilities["key_exchange"].names or () if "ml_kem" in name]
    policy = policy_of(str(HERE / "policy.yml"))
    judged = assess(SERVICE.read(lab()), lambda one: resolve(policy, target_of("h", (), one), date(2026, 11, 27)), date(2026, 11, 27))
    (finding,) = (one for one in judged if one.endpoint == "libreswan site" and one.aspect == "key_exchange")
    assert (finding.state, finding.remedy) == ("missing", "needs Libreswan ≥ 5.4, or a gateway in front of it")


def test_one_look_is_enough() -> None:
    assert SERVICE.missing(lab()) == ()
    assert SERVICE.missing(having("include /etc/crypto-policies/back-ends/libreswan.config\n")) == (
        "/etc/crypto-policies/back-ends/libreswan.config",
    )


# ---------------------------------------------------------------- 5.4, which has it


def test_5_4_tells_that_it_has_ml_kem_and_what_it_has_loaded() -> None:
    said = conn("ike=aes128-sha2-dh31;addke1=ml_kem_768", "intermediate=yes", name="westnet-eastnet-ikev2")
    found = endpoints(having(said, "5.4"))
    ike, esp = found.values()
    assert told(ike, "key_exchange") == ((HYBRID,), "effective", f"{MAIN}:3")
    able = ike.capabilities["key_exchange"].names or ()
    assert {HYBRID, "dh19;addke1=ml_kem_1024", "ml_kem_768"} <= set(able) and "ml_kem_512" not in able
    assert "has no" not in notes(ike)
    assert told(esp, "key_exchange")[0] == ("dh31",), "its own exchange stays classical"
    assert not [name for name in esp.capabilities["key_exchange"].names or () if "addke" in name], "5.4 has it for IKE alone"


def test_that_ml_kem_was_agreed_on_is_not_claimed_from_a_status_that_does_not_say_it() -> None:
    said = conn("ike=aes128-sha2-dh31;addke1=ml_kem_768", name="w")
    status = having("", "5.4").answers["libreswan-status"].out + '"w":   IKEv2 algorithm newest: AES_CBC_128-HMAC_SHA2_256-DH31\n'
    one = endpoints(having(said, status=status))["w"]
    assert one.settings["sa"].values == ("AES_CBC_128-HMAC_SHA2_256-DH31",)
    assert "whether ML-KEM was agreed on stands in pluto's log" in notes(one)


def test_a_ppk_that_is_insisted_on_is_not_one_that_is_allowed() -> None:
    loaded = endpoints(having(conn("ppk=no", name="westnet-eastnet-ipv4-psk-ppk"), "5.4"))["westnet-eastnet-ipv4-psk-ppk"]
    assert told(loaded, "ppk") == (("mode=required",), "effective", f"{MAIN}:3"), "what is loaded counts"
    written = {value: endpoints(having(conn(f"ppk={value}"), status=""))["x"] for value in ("insist", "yes", "no")}
    assert [told(one, "ppk")[:2] for one in written.values()] == [((f"mode={mode}",), "configured") for mode in ("required", "enabled", "off")]
    assert ["in silence" in notes(one) for one in written.values()] == [False, True, False]
    assert "ppk" not in endpoints(having(conn("ppk= [redacted]"), status=""))["x"].settings, "nobody knows"


# ---------------------------------------------------------------- what is written, where pluto does not run


def test_a_pluto_that_does_not_run_leaves_what_it_can_do_unknown() -> None:
    one = endpoints(having(conn("ike=aes_gcm-sha2;dh20", "leftcert=west", "authby=rsasig"), status=""))["x"]
    assert told(one, "key_exchange") == (("dh20",), "configured", f"{MAIN}:3")
    assert told(one, "cipher")[0] == ("aes_gcm256", "aes_gcm128"), "no length: the longest and the usual one"
    assert one.settings["authentication"].values == ("authby=rsasig", "leftcert=west") and one.addresses == (("*", 500),)
    assert (one.capabilities["key_exchange"].names, one.capabilities["key_exchange"].source) == (None, "pluto did not answer ipsec status")
    assert "key_exchange" not in endpoints(having(conn(), status=""))["x"].settings, "nobody knows what the default stands for"


def test_the_default_of_5_x_is_known_where_its_groups_are() -> None:
    values, evidence, origin = told(endpoints(having(conn()))["x"], "key_exchange")
    assert (values[:4], evidence, origin) == (("dh19", "dh20", "dh21", "dh31"), "configured", "default of Libreswan 5.2")


def test_own_words_count_before_also_and_default_last() -> None:
    base = "conn %default\n\tike=aes256-sha2-dh19\n\tppk=insist\nconn base\n\tike=aes256-sha2-dh20\n\tfragmentation=no\n\talso=deep\n"
    deep = "conn deep\n\tesp=aes256-sha1-dh14\n\talso=base\n"
    found = endpoints(having(base + deep + conn("also=base", "ike=aes256-sha2-dh31") + conn("also=base", name="y"), status=""))
    assert [told(found[name], "key_exchange") for name in ("x", "y")] == [
        (("dh31",), "configured", f"{MAIN}:14"),
        (("dh20",), "configured", f"{MAIN}:5"),
    ]
    assert told(found["x"], "ppk")[2] == f"{MAIN}:3" and told(found["y"], "fragmentation")[0] == ("no",)
    assert told(found["x/esp"], "key_exchange") == (("modp2048",), "configured", f"{MAIN}:9")
    assert told(found["x/esp"], "mac")[0] == ("sha1",)


def test_what_is_no_tunnel_is_none() -> None:
    never = conn("authby=never") + conn("type=passthrough", name="y") + "conn template\n\tike=aes\n"
    assert SERVICE.read(having(never, status="")) == ()
    assert SERVICE.read(replace(lab(), files={})) == ()
    other = replace(lab(), answers={VERSION: Answer(COMMANDS[VERSION], 0, "Linux strongSwan U6.0.1/K6.12\n")})
    assert SERVICE.read(other) == () == SERVICE.missing(other), "strongSwan has the same file and the same command"


def test_what_is_loaded_and_what_is_written_may_differ() -> None:
    found = endpoints(having(conn("ike=aes_gcm256-sha2_512-dh20", name="site")))["site"]
    assert told(found, "key_exchange")[0] == ("dh31",) and "ipsec replace site takes up what it says" in notes(found)


def test_traps_are_told() -> None:
    said = conn("ike=aes;addke1=ml_kem_768+none", "fragmentation=no", "intermediate=no", "pfs=no") + conn("keyexchange=ikev1", name="old")
    capable = [line for line in having("", "5.4").answers["libreswan-status"].out.splitlines() if line.startswith("algorithm")]
    found = endpoints(having(said, "5.4", "\n".join(capable)))
    assert "addkeN=none makes the additional exchange optional" in notes(found["x"])
    assert "fragmented by IP" in notes(found["x"]) and "intermediate=no beside an additional exchange" in notes(found["x"])
    assert "no forward secrecy of its own" in notes(found["x/esp"]) and told(found["x/esp"], "key_exchange")[0] == ()
    assert "IKEv1 has no additional exchanges" in notes(found["old"]) and told(found["old"], "version")[0] == ("ikev1",)


def test_an_ipsec_conf_that_is_broken_stops_the_host_with_its_line() -> None:
    with pytest.raises(Unparsable, match=r"/etc/ipsec.conf:2: "):
        SERVICE.read(having("conn x\nnonsense\n"))


def test_a_circle_of_includes_is_named() -> None:
    with pytest.raises(Unparsable, match="include one another"):
        SERVICE.read(having("include /etc/ipsec.conf\n"))


# ---------------------------------------------------------------- proposals


@pytest.mark.parametrize(
    ("said", "exchanges"),
    [
        ("aes256-sha2;modp2048", ("modp2048",)),
        ("aes_gcm-256-sha2-curve25519+ecp_384;addke1=mlkem768+none;addke2=ml_kem_1024", None),
        ("AES_CBC_128-HMAC_SHA2_256-DH31;addke1=ML_KEM_768", (HYBRID,)),
        ("aes;ke=ml_kem_768", ("ml_kem_768",)),
        ("aes-sha1-modp1024", ("modp1024",)),
        ("aes-frodo640-dh31", ("dh31",)),
        ("aes_gcm256-none-none", ()),
    ],
)
def test_a_proposal_has_its_exchanges(said: str, exchanges: tuple[str, ...] | None) -> None:
    every = tuple(f"{base};addke1=ml_kem_768;addke2=ml_kem_1024" for base in ("dh31", "dh20"))
    less = tuple(f"{base};addke2=ml_kem_1024" for base in ("dh31", "dh20"))
    expected = (every[0], less[0], every[1], less[1]) if exchanges is None else exchanges
    assert parse(said, "ikev2").exchanges == expected


def test_a_word_that_nobody_knows_is_kept() -> None:
    assert parse("aes-frodo640-dh31", "ikev2").strange == ("frodo640",)
    assert told(endpoints(having(conn("ike=aes-frodo640-dh31"), status=""))["x"], "key_exchange")[0] == ("dh31", "frodo640")
    assert parse("null-md5", "esp").cipher == ("null",)


# ---------------------------------------------------------------- real files


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_real_files_are_read(folder) -> None:
    if not folder.is_dir():
        pytest.skip(f"no file tried: ../shared/corpus/{folder.name} is not beside this checkout")
    read = 0
    for path in sorted(folder.iterdir()):
        if not path.name.endswith(OTHERS):
            said = path.read_text(encoding="utf-8", errors="replace")
            read += sum(len(SERVICE.read(having(said, release, status))) for release, status in (("5.2", None), ("5.4", None), ("4.15", "")))
    assert read > 100, "nothing was read"
