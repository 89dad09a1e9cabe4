"""services/haproxy_certificates.py and haproxy_rebind.py: what HAProxy serves, and the smallest edits that switch it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.credentials import Binding, Pair, Serving
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Inexpressible, Origin, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES

from tests.fixtures.haproxy.load import CFG, PEM, applied, captured, file, one, pem, written

HAPROXY = SERVICES["haproxy"]
LIST = "/etc/haproxy/list.txt"
NEW = Pair("/tls/new.pem", "/tls/new.pem")
PQ = Pair("/tls/pq.pem", "/tls/pq.pem")
PUBLIC = pem().partition("[redacted]")[0]  # a certificate without its key


def servings(snapshot: Snapshot) -> tuple[Serving, ...]:
    assert HAPROXY.servings
    return HAPROXY.servings(snapshot)


def bindings(snapshot: Snapshot) -> tuple[Binding, ...]:
    return tuple(binding for serving in servings(snapshot) for binding in serving.bindings)


def rebound(snapshot: Snapshot, wanted: dict[Origin, tuple[Pair, ...]]) -> dict[str, str]:
    """path → text of what changes; what was wished is what is named then."""
    assert HAPROXY.rebind
    changes = HAPROXY.rebind(snapshot, wanted)
    then = {binding.pair.certificate for binding in bindings(applied(snapshot, changes))}
    assert then >= {pair.certificate for pairs in wanted.values() for pair in pairs if "nowhere" not in pair.certificate}
    return {change.path: lines.apply(snapshot.files[change.path].text or "", change.edits) for change in changes}


def test_the_host_of_the_lab_serves_one_file_that_holds_its_key() -> None:
    (serving,) = servings(captured("svc-new"))
    assert serving.endpoints == ("haproxy *:443",) and serving.names[0] == "svc-new"
    assert serving.bindings == (Binding(Pair(PEM, PEM), Origin(CFG, 18), form="one file"),)


def test_a_word_is_switched_and_a_second_certificate_comes_behind_it() -> None:
    text = "frontend f\n bind :443 ssl {} alpn h2 # c\n"
    old = text.format(f'crt "{PEM}"')
    (binding,) = bindings(one(old))
    assert rebound(one(old), {binding.origin: (NEW, PQ)}) == {CFG: text.format('crt "/tls/new.pem" crt /tls/pq.pem')}
    assert rebound(one(old), {binding.origin: (binding.pair, PQ)}) == {CFG: text.format(f'crt "{PEM}" crt /tls/pq.pem')}


def test_two_certificates_on_one_line_are_told_apart() -> None:
    text = "frontend f\n bind :443 ssl crt {} crt {}\n"
    snapshot = written({CFG: text.format(PEM, "/tls/b.pem"), PEM: pem(), "/tls/b.pem": pem("svc-next")})
    first, second = bindings(snapshot)
    assert (str(first.origin), str(second.origin)) == (f"{CFG}:2", f"{CFG}:2, crt 2")
    assert {serving.names[0] for serving in servings(snapshot)} == {"svc-new", "svc-next"}
    assert rebound(snapshot, {second.origin: (NEW,)}) == {CFG: text.format(PEM, "/tls/new.pem")}


def test_a_key_beside_its_certificate_is_found_and_gives_way_to_one_file() -> None:
    snapshot = written({CFG: "frontend f\n bind :443 ssl crt /tls/a.pem\n", "/tls/a.pem": PUBLIC})
    assert HAPROXY.missing(snapshot) == ("/tls/a.pem.key", "/tls/a.key")
    snapshot = replace(snapshot, files={**snapshot.files, "/tls/a.pem.key": file("/tls/a.pem.key", "[redacted]\n")})
    (binding,) = bindings(snapshot)
    assert binding.pair == Pair("/tls/a.pem", "/tls/a.pem.key") and binding.form == "one file"


def test_a_line_of_a_list_is_switched_and_a_second_one_says_the_same() -> None:
    entries = f"# c\r\n {PEM} [alpn h2] a.test *.b.test !x.b.test # d\r\n"
    snapshot = written({CFG: f"frontend f\n bind :443 ssl crt-list {LIST}\nfrontend g\n bind :444 ssl crt-list {LIST}\n", PEM: pem(), LIST: entries})
    (serving,) = servings(snapshot)
    assert serving.names == ("a.test", "*.b.test") and serving.endpoints == ("haproxy *:443", "haproxy *:444")
    new = entries.replace(PEM, "/tls/new.pem")
    assert rebound(snapshot, {Origin(LIST, 2): (NEW, PQ)}) == {LIST: new + new.partition("\n")[2].replace("/tls/new.pem", "/tls/pq.pem")}


def test_a_list_without_an_end_of_its_last_line_grows_too() -> None:
    snapshot = written({CFG: f"frontend f\n bind :443 ssl crt-list {LIST}\n", PEM: pem(), LIST: PEM})
    assert rebound(snapshot, {Origin(LIST, 1): (Pair(PEM, PEM), PQ)}) == {LIST: f"{PEM}\n/tls/pq.pem"}


def folder(mode: str = "0600", real: str = "", path: str = "/srv/tls/a.pem") -> Snapshot:
    snapshot = written({CFG: f"frontend f\n bind :443 ssl crt {'/srv/tls/' if 'tls/' in path else '/srv/a.pem'}\n"})
    return replace(snapshot, files={**snapshot.files, path: file(path, pem(), mode, real)})


def test_a_file_of_a_folder_is_replaced_itself_and_what_comes_beside_it_needs_no_line() -> None:
    (binding,) = bindings(folder())
    assert (binding.origin, binding.form, binding.fixed) == (Origin("/srv/tls/a.pem"), "itself", "")
    assert HAPROXY.rebind and HAPROXY.rebind(folder(), {binding.origin: (binding.pair, PQ)}) == ()


def test_a_bundle_is_replaced_itself_and_what_comes_beside_it_is_named() -> None:
    snapshot = folder(path="/srv/a.pem.ecdsa")
    (binding,) = bindings(snapshot)
    assert (binding.pair.certificate, binding.form) == ("/srv/a.pem.ecdsa", "itself")
    assert rebound(snapshot, {binding.origin: (binding.pair, PQ)}) == {CFG: "frontend f\n bind :443 ssl crt /srv/a.pem crt /tls/pq.pem\n"}


@pytest.mark.parametrize(("mode", "real", "why"), [("0644", "", "everybody can read"), ("0600", "/etc/letsencrypt/a.pem", "is a symbolic link to")])
def test_a_file_of_a_folder_that_cannot_be_replaced_says_why(mode: str, real: str, why: str) -> None:
    snapshot = folder(mode, real)
    (binding,) = bindings(snapshot)
    assert why in binding.fixed and HAPROXY.rebind
    with pytest.raises(Inexpressible, match=why):
        HAPROXY.rebind(snapshot, {binding.origin: (binding.pair,)})


STORE = """crt-store web
 crt-base /srv/certs
 key-base /srv/keys
 load crt a.crt key "a.key"{}
frontend f
 bind :443 ssl crt "@web/{}"{}
"""


def store(text: str) -> Snapshot:
    return written({CFG: text, "/srv/certs/a.crt": PUBLIC, "/srv/keys/a.key": "[redacted]\n", "/n/new.crt": PUBLIC})


@pytest.mark.parametrize(("alias", "name"), [(" alias site", "site"), ("", "a.crt")])
def test_a_certificate_of_a_store_keeps_its_name_and_further_ones_get_their_own(alias: str, name: str) -> None:
    snapshot = store(STORE.format(alias, name, ""))
    (binding,) = bindings(snapshot)
    assert binding == Binding(Pair("/srv/certs/a.crt", "/srv/keys/a.key"), Origin(CFG, 4))
    pairs = (Pair("/n/new.crt", "/n/new.key"), Pair("/n/pq.crt", "/n/pq.key"))
    new = STORE.format(alias or " alias a.crt", name, " crt @web/pq.crt").replace('a.crt key "a.key"', '/n/new.crt key "/n/new.key"', 1)
    more = " load crt /n/pq.crt key /n/pq.key alias pq.crt\n"
    assert rebound(snapshot, {binding.origin: pairs}) == {CFG: new.replace("frontend f\n", more + "frontend f\n")}


def test_a_name_that_is_in_no_store_is_fixed() -> None:
    (binding,) = bindings(one('frontend f\n bind :443 ssl crt "@web/x"\n'))
    assert binding.fixed == "@web/x is in no crt-store"


def test_a_quic_bind_goes_along_with_the_files_that_it_shares_and_no_others() -> None:
    text = "frontend f\n bind :443 ssl crt {0}\n bind quic4@:443 ssl crt {0} alpn h3\n bind quic6@:443 ssl crt /tls/other.pem\n"
    old = text.format(PEM)
    (binding,) = bindings(one(old))
    assert rebound(one(old), {binding.origin: (NEW, PQ)}) == {CFG: text.format("/tls/new.pem crt /tls/pq.pem")}


RARE = Pair("/tls/site.ml-dsa-65-abc123.pem", "/tls/site.ml-dsa-65-abc123.pem")


def test_what_few_clients_can_do_never_comes_first_beside_another() -> None:
    text = "frontend f\n bind :443 ssl crt {} crt {}\n"
    snapshot = written({CFG: text.format(PEM, "/tls/b.pem"), PEM: pem(), "/tls/b.pem": pem("svc-next")})
    first, second = bindings(snapshot)
    assert rebound(snapshot, {first.origin: (RARE, NEW)}) == {CFG: text.format(f"/tls/new.pem crt {RARE.certificate}", "/tls/b.pem")}
    assert rebound(snapshot, {second.origin: (RARE,)}) == {CFG: text.format(PEM, RARE.certificate)}
    assert HAPROXY.rebind
    with pytest.raises(Inexpressible, match="that name no host"):
        HAPROXY.rebind(snapshot, {first.origin: (RARE,)})


def test_what_few_clients_can_do_may_be_alone_when_that_is_asked_for() -> None:
    text = "frontend f\n bind :443 ssl crt {}\n"
    (binding,) = bindings(one(text.format(PEM)))
    assert rebound(one(text.format(PEM)), {binding.origin: (RARE,)}) == {CFG: text.format(RARE.certificate)}


def test_a_certificate_of_a_frontend_is_switched_once_for_all_its_binds() -> None:
    line = ' ssl-f-use crt "{}" alpn h2 # c\n'
    text = "frontend f\n bind :443 ssl\n bind :444 ssl\n{}"
    old = text.format(line.format(PEM))
    (serving,) = servings(one(old))
    assert serving.endpoints == ("haproxy *:443", "haproxy *:444")
    new = line.replace('"{}"', "/tls/new.pem") + line.replace('"{}"', "/tls/pq.pem")
    assert rebound(one(old), {serving.bindings[0].origin: (NEW, PQ)}) == {CFG: text.format(new)}
