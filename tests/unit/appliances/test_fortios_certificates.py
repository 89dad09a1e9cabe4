"""The certificates of a FortiGate: what a configuration says of them, and how new ones come to a device."""

from __future__ import annotations

import hashlib
import ssl

from tests.unit.appliances.test_ios import certificate
from tests.unit.appliances.test_readers import endpoints


def test_the_certificate_that_https_serves_is_seen_where_the_text_holds_it() -> None:
    der = certificate("fg1.example")
    held = f'        set password ENC CANARY\n        set certificate "{ssl.DER_cert_to_PEM_cert(der).strip()}"\n'
    local = f'    edit "other"\n    next\n    edit "my web"\n{held}    next\nend\n'
    plain = f'config system global\n    set admin-server-cert "my web"\nend\nconfig vpn certificate local\n{local}'
    vdoms = f"config vdom\nedit root\nnext\nend\nconfig global\n{plain.replace('vpn certificate', 'certificate')}end\nconfig vdom\nedit root\nnext\nend\n"
    for text in (plain, vdoms):
        (shown,) = endpoints(text)["fortios https"].certificates
        assert (shown.subject, shown.key, shown.sha256) == ("CN=fg1.example", "ECDSA-P256", hashlib.sha256(der).hexdigest())
        (line,) = (number for number, said in enumerate(text.splitlines(), 1) if "set certificate" in said)
        assert shown.path == f"f:{line}"
    factory = plain.replace('admin-server-cert "my web"', 'admin-server-cert "Fortinet_Factory"')
    assert endpoints(factory)["fortios https"].certificates == ()


def test_a_certificate_that_cannot_be_read_is_told_as_that() -> None:
    text = 'config system global\n    set admin-server-cert "a"\nend\nconfig vpn certificate local\n    edit "a"\n        set certificate "{}"\n    next\nend\n'
    (shown,) = endpoints(text.format("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"))["fortios https"].certificates
    assert shown.subject == "unreadable"
