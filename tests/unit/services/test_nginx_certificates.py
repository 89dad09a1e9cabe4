"""services/nginx_certificates.py: which lists of certificates nginx serves, and the smallest edits that switch them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.credentials import Pair
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Answer, Inexpressible, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES

from tests.fixtures.nginx.load import captured, one

NGINX = SERVICES["nginx"]
NEW = (Pair("/tls/new.crt", "/tls/new.key"), Pair("/tls/pq.crt", "/tls/pq.key"))


def rebound(snapshot: Snapshot, number: int, pairs: tuple[Pair, ...]) -> str:
    """The edited text of the one file that changes."""
    assert NGINX.servings and NGINX.rebind
    origin = NGINX.servings(snapshot)[number].bindings[0].origin
    (change,) = NGINX.rebind(snapshot, {origin: pairs})
    (file,) = {f.real: f for f in snapshot.files.values() if change.path in (f.path, f.real)}.values()
    assert file.text is not None and change.sha256 == file.sha256
    return lines.apply(file.text, change.edits)


def test_web_include_serves_two_lists_that_share_a_binding() -> None:
    assert NGINX.servings
    found = NGINX.servings(captured("web-include"))
    lists = {tuple(binding.pair.certificate for binding in serving.bindings) for serving in found}
    assert ("/etc/nginx/tls/server.crt",) in lists
    assert all(not binding.fixed for serving in found for binding in serving.bindings)
    origins = [str(binding.origin) for serving in found for binding in serving.bindings]
    assert "/etc/nginx/snippets/tls.conf:2" in origins


def test_a_reference_is_switched_and_a_second_pair_comes_behind_it_in_the_same_dress() -> None:
    old = "    ssl_certificate     '/tls/a.crt'; # ours\n    ssl_certificate_key /tls/a.key; # secret\n"
    new = old.replace("/a.", "/new.") + "    ssl_certificate /tls/pq.crt;\n    ssl_certificate_key /tls/pq.key;\n"
    text = "  server {\n    listen 443 ssl;\n%s  }"
    assert rebound(one(text % old), 0, NEW) == f"events {{}}\nhttp {{\n{text % new}\n}}\n"


def test_the_old_pair_may_stay_in_front() -> None:
    text = "server { listen 443 ssl; ssl_certificate /tls/a.crt; ssl_certificate_key /tls/a.key;%s }"
    more = " ssl_certificate /tls/pq.crt; ssl_certificate_key /tls/pq.key;"
    pairs = (Pair("/tls/a.crt", "/tls/a.key"), NEW[1])
    assert rebound(one(text % ""), 0, pairs) == f"events {{}}\nhttp {{\n{text % more}\n}}\n"


def test_what_the_edited_files_serve_is_what_was_wished() -> None:
    snapshot = captured("web-new")
    assert "/tls/new.crt" in rebound(snapshot, 0, NEW) and "/tls/pq.key" in rebound(snapshot, 0, NEW)


@pytest.mark.parametrize(
    ("directives", "why"),
    [
        ("ssl_certificate $name.crt; ssl_certificate_key /k;", "names no file"),
        ("ssl_certificate /c; ssl_certificate_key engine:other:k;", "names no file"),
        ("ssl_certificate /c; ssl_certificate /d; ssl_certificate_key /k;", "2 certificates and 1 keys"),
    ],
)
def test_what_is_no_pair_of_files_is_fixed_by_name(directives: str, why: str) -> None:
    assert NGINX.servings and NGINX.rebind
    snapshot = one(f"server {{ listen 443 ssl; {directives} }}")
    (serving,) = NGINX.servings(snapshot)
    assert why in serving.bindings[0].fixed
    with pytest.raises(Inexpressible, match=why):
        NGINX.rebind(snapshot, {serving.bindings[0].origin: NEW})


def test_a_key_in_a_token_is_no_file_and_its_reference_is_switched_in_quotes() -> None:
    assert NGINX.servings and NGINX.rebind
    snapshot = one('server { listen 443 ssl; ssl_certificate /c; ssl_certificate_key "store:pkcs11:token=t;object=old"; }')
    (binding,) = NGINX.servings(snapshot)[0].bindings
    assert (binding.pair.key, binding.fixed) == ("store:pkcs11:token=t;object=old", "")
    for new in ("store:pkcs11:token=t;object=new", "/tls/new.key"):
        (change,) = NGINX.rebind(snapshot, {binding.origin: (Pair("/tls/new.crt", new),)})
        assert f'ssl_certificate_key "{new}";' in "".join(change.edits[0].insert)
    plain = one("server { listen 443 ssl; ssl_certificate /c; ssl_certificate_key /k; }")
    (binding,) = NGINX.servings(plain)[0].bindings
    (change,) = NGINX.rebind(plain, {binding.origin: (Pair("/tls/new.crt", "store:pkcs11:token=t;object=new"),)})
    assert 'ssl_certificate_key "store:pkcs11:token=t;object=new";' in "".join(change.edits[0].insert)


@pytest.mark.parametrize(("version", "token"), [("1.26.3", ""), ("1.28.0", ""), ("1.29.0", "store:"), ("1.30.6", "store:")])
def test_which_nginx_takes_a_key_from_a_token(version: str, token: str) -> None:
    assert NGINX.servings
    snapshot = one("server { listen 443 ssl; ssl_certificate /c; ssl_certificate_key /k; }")
    answers = {**snapshot.answers, "nginx-V": Answer((), 0, err=f"nginx version: nginx/{version}")}
    (serving,) = NGINX.servings(replace(snapshot, answers=answers))
    assert serving.bindings[0].token == token
