# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: a look at the keys of a key management service.  It asks to list and to read, and for nothing else."""

from __future__ import annotations

from datetime import date
from urllib.parse import quote, urlsplit

from ._core.certificates.kms import KmsKey
from ._core.certificates.pki_http import complaint
from ._core.certificates.transit import MEANS, key, names, policy, users
from ._core.model import Problem
from ._web import Web

MOST = 10000  # keys, and policies


def keys(web: Web, today: date) -> list[KmsKey]:
    """Every key of that mount.  Raises Problem; nothing is returned of a service that could not be read whole."""
    found = _names(web, "keys")
    told = _policies(web)
    mount = urlsplit(web.url).path.removeprefix("/v1/").strip("/")
    out = []
    for name in found:
        answer = _get(web, f"keys/{quote(name, safe='')}")
        out.append(key(name, answer, web.url, today, None if told is None else users(told, mount, name)))
    return out


def _policies(web: Web) -> dict[str, str] | None:
    """Their texts by name; None when the token may not read them, which is no reason to stop."""
    at = urlsplit(web.url)
    above = Web(f"{at.scheme}://{at.netloc}/v1/sys/policies/acl", web.trust, web.own, web.headers, web.secrets)
    said = above.send("GET", "?list=true")
    if said.status in (403, 404):
        return None
    if said.status != 200:
        raise above.refused(said, MEANS, complaint(said.body))
    out = {}
    for name in names(said.body, above.url)[:MOST]:
        one = above.send("GET", quote(name, safe=""))
        if one.status == 403:
            return None
        out[name] = policy(one.body, above.url) if one.status == 200 else ""
    return out


def _names(web: Web, path: str) -> tuple[str, ...]:
    said = web.send("GET", f"{path}?list=true")
    if said.status == 404 and b'"errors":[]' in said.body.replace(b" ", b""):
        return ()  # so it says that there are none
    if said.status != 200:
        raise web.refused(said, MEANS, complaint(said.body))
    found = names(said.body, web.url)
    if len(found) > MOST:
        raise Problem(f"{len(found)} keys; {MOST} are read at most", web.url, "look at one mount after the other")
    return found


def _get(web: Web, path: str) -> bytes:
    said = web.send("GET", path)
    if said.status != 200:
        raise web.refused(said, MEANS, complaint(said.body))
    return said.body
