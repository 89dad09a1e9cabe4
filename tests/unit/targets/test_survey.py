"""Everything that a configuration refers to is read, however its lines are written; what stays unseen stops the host by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Collect, Snapshot, Unparsable
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.service import Service
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.nginx import SERVICE
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import script
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.offline import DEEPEST, from_path
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.survey import read, survey

from .agent_host import NONCE, Host

TLS = "ssl_ecdh_curve prime256v1; ssl_protocols TLSv1.2;\n"
CHAINS = {
    "one line": ("http { include vhosts/*.conf; }\n", "server { listen 443 ssl; include snippets/tls.conf; }\n"),
    "a directive a line": ("http {\n  include vhosts/*.conf;\n}\n", "server {\n  listen 443 ssl;\n  include snippets/tls.conf;\n}\n"),
    "a name on a line of its own": ("http { include\n vhosts/*.conf; }\n", "server { listen 443 ssl; include\n snippets/tls.conf; }\n"),
    "quoted, with a blank": ('http {include "my vhosts/*.conf";}\n', "server {listen 443 ssl;include 'snippets/tls.conf';}\n"),
}


def nginx(folder: str) -> dict[str, Service]:
    """nginx as if its configuration stood there; what has no place there is left out."""
    collect = replace(
        SERVICE.collect,
        needs=(folder,),
        files=(f"{folder}/nginx.conf",),
        follow=tuple(replace(f, base=folder) for f in SERVICE.collect.follow),
        commands={},
    )
    return {"nginx": replace(SERVICE, collect=collect)}


def written(root: Path, chain: str) -> None:
    main, vhost = CHAINS[chain]
    found = re.search(r"[\w ]*vhosts", main)
    assert found
    folder = root / ("my vhosts" if "my" in found[0] else "vhosts")
    for path in (folder, root / "snippets"):
        path.mkdir(parents=True)
    (root / "nginx.conf").write_text(main)
    (folder / "shop.conf").write_text(vhost)
    (root / "snippets/tls.conf").write_text(TLS)


@pytest.mark.parametrize("chain", CHAINS)
def test_a_folder_is_read_to_the_last_include(tmp_path: Path, chain: str) -> None:
    written(tmp_path / "etc/nginx", chain)
    found = survey(lambda requests, extra: from_path(tmp_path, "h", "", requests, extra), {"nginx": SERVICE}, DEEPEST)
    assert found.endpoints[0].settings["key_exchange"].values == ("prime256v1",)


@pytest.mark.parametrize("chain", CHAINS)
def test_a_host_is_read_to_the_last_include_in_two_looks_at_most(any_host: Host, chain: str) -> None:
    written(any_host.etc, chain)
    looks: list[tuple[str, ...]] = []

    def ask(requests: Mapping[str, Collect], extra: tuple[str, ...]) -> Snapshot:
        looks.append(extra)
        return moved(any_host, any_host.snapshot(any_host.send(script.compose_collect(requests, NONCE, tuple(back(any_host, g) for g in extra)))))

    found = survey(ask, nginx(str(any_host.etc)))
    assert found.endpoints[0].settings["key_exchange"].values == ("prime256v1",)
    assert len(looks) == (2 if "blank" in chain else 1)


def moved(host: Host, snapshot: Snapshot) -> Snapshot:
    """The snapshot as if the host's own folder were /etc/nginx."""
    here = {path.replace(str(host.etc), "/etc/nginx"): file for path, file in snapshot.files.items()}
    return replace(snapshot, files={path: replace(file, path=path, real=path) for path, file in here.items()})


def back(host: Host, path: str) -> str:
    return path.replace("/etc/nginx", str(host.etc))


def test_an_include_that_is_not_there_is_named_with_its_line(tmp_path: Path) -> None:
    written(tmp_path / "etc/nginx", "one line")
    (tmp_path / "etc/nginx/snippets/tls.conf").unlink()
    with pytest.raises(Unparsable, match=r"/etc/nginx/vhosts/shop.conf:1: .*snippets/tls.conf"):
        survey(lambda requests, extra: from_path(tmp_path, "h", "", requests, extra), {"nginx": SERVICE}, DEEPEST)


def test_what_stays_unseen_after_the_last_look_stops_the_host_by_name(tmp_path: Path) -> None:
    """A folder has no words to follow, so each look brings one include more."""
    written(tmp_path / "etc/nginx", "one line")
    with pytest.raises(Unparsable, match=r"/etc/nginx/snippets/tls\.conf"):
        survey(lambda requests, extra: from_path(tmp_path, "h", "", requests, extra), {"nginx": SERVICE}, 2)


def test_a_glob_that_matches_nothing_is_complete(tmp_path: Path) -> None:
    (tmp_path / "etc/nginx").mkdir(parents=True)
    (tmp_path / "etc/nginx/nginx.conf").write_text("http { include none/*.conf; server { listen 443 ssl; } }\n")
    assert survey(lambda requests, extra: from_path(tmp_path, "h", "", requests, extra), {"nginx": SERVICE}).endpoints


def test_the_look_after_a_change_sees_what_only_a_second_look_had_seen(host: Host) -> None:
    """Else the closing verdict would be one on half a configuration."""
    written(host.etc, "quoted, with a blank")

    def ask(requests: Mapping[str, Collect], extra: tuple[str, ...]) -> Snapshot:
        return moved(host, host.snapshot(host.send(script.compose_collect(requests, NONCE, tuple(back(host, g) for g in extra)))))

    services = nginx(str(host.etc))
    found = survey(ask, services)
    requests = {name: service.collect for name, service in services.items()}
    output = host.send(script.compose_apply(host.transaction(), requests, NONCE, tuple(back(host, g) for g in found.extra)))
    assert set(moved(host, host.snapshot(output)).files) == set(found.snapshot.files)
    bare = moved(host, host.snapshot(host.send(script.compose_collect(requests, NONCE))))
    with pytest.raises(Unparsable, match="was not seen"):
        read(bare, services)
