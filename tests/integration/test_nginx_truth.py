"""What we read of nginx is what nginx itself would load, on every host of the lab and wherever its main file is."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.nginx import SERVICE
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.snapshot_json import snapshot_from_json

from .conftest import WEB, Lab, on

HEAD = re.compile(r"^# configuration file (.+):\n", re.MULTILINE)


def as_nginx_loads_it(host: str, seen: Snapshot) -> Snapshot:
    """The snapshot with nothing but the files that `nginx -T` prints; certificates it does not print, they stay."""
    parts = HEAD.split(on(host, "nginx -T 2>/dev/null"))[1:]
    printed = {path: text.removesuffix("\n") for path, text in zip(parts[::2], parts[1::2], strict=True)}
    files = {path: file for path, file in seen.files.items() if "BEGIN CERTIFICATE" in (file.text or "")}
    for path, text in printed.items():
        files[path] = replace(seen.files[path], text=text, sha256=lines.sha256(text))
    return replace(seen, files=files)


@pytest.mark.parametrize("host", WEB)
def test_our_reading_is_that_of_the_daemon(lab: Lab, host: str) -> None:
    ran = lab.play("audit", host, agility_services=["nginx"], agility_save_snapshot=True)
    seen = snapshot_from_json((ran.output / "snapshots" / f"{host}.json").read_text(encoding="utf-8"))
    ours = SERVICE.read(seen)
    assert ours
    assert SERVICE.read(as_nginx_loads_it(host, seen)) == ours


def test_a_chain_of_one_line_includes_below_another_main_file_is_read_and_changed(lab: Lab) -> None:
    """The master runs with -c: what lies in /etc/nginx/nginx.conf is somebody else's past."""
    unit = "/etc/systemd/system/nginx.service.d"
    on(
        "web-bare",
        "mkdir -p /srv/web/vhosts /srv/web/snippets && ln -s /etc/nginx/tls /srv/web/tls"
        " && printf 'events {}\\npid /run/nginx.pid;\\nhttp { include vhosts/*.conf; }\\n' > /srv/web/nginx.conf"
        " && printf 'server { listen 443 ssl; include\\n snippets/tls.conf; }\\n' > /srv/web/vhosts/shop.conf"
        " && printf 'ssl_certificate tls/server.crt;\\nssl_certificate_key tls/server.key;\\nssl_protocols TLSv1.2 TLSv1.3;\\nssl_ecdh_curve prime256v1;\\n'"
        " > /srv/web/snippets/tls.conf && nginx -t -c /srv/web/nginx.conf"
        f" && mkdir -p {unit} && printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/nginx -c /srv/web/nginx.conf\\nExecReload=\\n"
        f"ExecReload=/bin/kill -HUP $MAINPID\\n' > {unit}/c.conf && systemctl daemon-reload && systemctl restart nginx",
    )
    try:
        ran = lab.play("enforce", "web-bare", agility_campaign="other")
        assert ran.rc == 0, ran.text
        found = ran.host("web-bare")
        (tls,) = [endpoint for endpoint in found["endpoints"] if endpoint["protocol"] == "tls"]
        assert tls["settings"]["key_exchange"]["origin"]["path"] == "/srv/web/snippets/tls.conf"
        assert found["status"] == "changed"
        assert json.dumps(found["proofs"]).count('"proved": true') == 2
        assert "X25519MLKEM768" in on("web-bare", "cat /srv/web/snippets/tls.conf")
        back = lab.play("rollback", "web-bare", agility_campaign="other")
        assert back.rc == 0, back.text
        assert "X25519MLKEM768" not in on("web-bare", "cat /srv/web/snippets/tls.conf")
    finally:
        on("web-bare", f"rm -rf {unit} /srv/web && systemctl daemon-reload && systemctl restart nginx")
