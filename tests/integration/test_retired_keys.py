"""Old keys of a rotation on real nginx: they stay for the way back, and are shredded behind it, unless somebody names them."""

from __future__ import annotations

import json
from typing import Any

from .conftest import Lab, Ran, on

OLD = "/etc/nginx/tls/server.key"
TLS = "cd / && find etc/nginx -type f -o -type l | sort | xargs stat -c '%n %a %U %G %s %Y'; sha256sum /etc/nginx/tls/*"
PUBLIC = f"openssl pkey -in {OLD} -pubout -outform DER | sha256sum | cut -d' ' -f1"
FORGET = {"agility_keep_days": 0, "agility_keep": 0}


def told(ran: Ran, did: str) -> list[dict[str, Any]]:
    """What this very run has entered of the life of keys."""
    run = ran.host("web-new")["run"]
    lines = [json.loads(line) for path in (ran.output.parent / "ledger").glob("*.jsonl") for line in path.read_text().splitlines()]
    return [key for line in lines if line.get("run") == run for key in line.get("keys", ()) if key["did"] == did]


def test_the_old_key_serves_the_way_back_and_is_shredded_behind_it_by_the_word_of_the_ledger(lab: Lab, authority: str) -> None:
    before, public = on("web-new", TLS), on("web-new", PUBLIC).strip()

    def rotated(campaign: str) -> Ran:
        ran = lab.play("rotate_certificates", "web-new", agility_authority=authority, agility_keys=["ECDSA-P384"], agility_campaign=campaign)
        assert ran.rc == 0 and ran.host("web-new")["rounds"] <= 4, ran.text
        return ran

    first = rotated("first")
    (retired,) = told(first, "retired")
    assert (retired["key"], retired["public"]) == (OLD, public) and "until the transaction is forgotten" in retired["stays"]
    back = lab.play("rollback", "web-new", agility_campaign="first")
    assert back.rc == 0 and on("web-new", TLS) == before, back.text
    kept = lab.play("recover", "web-new", **FORGET)
    assert kept.rc == 0 and on("web-new", TLS) == before, "it is in use again"
    assert [key for key in told(kept, "shredded") if key["path"] == OLD] == []

    rotated("second")
    on("web-new", f"printf 'tls_key = {OLD}\\n' >/etc/mail.conf")
    named = lab.play("recover", "web-new", **FORGET)
    assert named.rc == 0 and f"{OLD} stays" in " ".join(named.text.split()) and "/etc/mail.conf names it" in " ".join(named.text.split()), named.text
    assert on("web-new", PUBLIC).strip() == public and [key for key in told(named, "shredded") if key["path"] == OLD] == []

    block = f"server {{ listen 8443 ssl; ssl_certificate /etc/nginx/tls/server.crt; ssl_certificate_key {OLD}; }}"
    on("web-new", f"rm /etc/mail.conf; echo '{block}' >/etc/nginx/conf.d/again.conf; nginx -t && systemctl reload nginx")
    again = lab.play("recover", "web-new", **FORGET)
    assert again.rc == 0 and again.changed("web-new") == 0 and on("web-new", PUBLIC).strip() == public, "a server block serves it again"

    on("web-new", "rm /etc/nginx/conf.d/again.conf && systemctl reload nginx")
    gone = lab.play("recover", "web-new", **FORGET)
    assert gone.rc == 0 and gone.changed("web-new") == 1, gone.text
    assert [(key["path"], key["public"]) for key in told(gone, "shredded")] == [(OLD, public)]
    assert "somebody else removed it" not in gone.text
    assert on("web-new", f"ls {OLD} 2>&1", check=False).startswith("ls: cannot access")
    assert "Verification: OK" in on("client", "echo | openssl s_client -connect web-new:443 -servername web-new -verify_return_error 2>&1")
    assert lab.play("recover", "web-new", **FORGET).changed("web-new") == 0
