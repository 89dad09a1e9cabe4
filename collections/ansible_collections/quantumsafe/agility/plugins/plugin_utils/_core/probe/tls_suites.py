"""The cipher suites and signature schemes of TLS as data.  Sources: IANA tls-parameters, openssl-ciphers(1) for the names."""

from __future__ import annotations

import re

SUITES = {
    0x1301: "TLS_AES_128_GCM_SHA256",
    0x1302: "TLS_AES_256_GCM_SHA384",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256",
    0x1304: "TLS_AES_128_CCM_SHA256",
    0x1305: "TLS_AES_128_CCM_8_SHA256",
}

# TLS 1.2 and older: every suite with a certificate that a server may still take, best first.  One that were missing here would let a server
# that has only that suite pass for one that refuses TLS 1.2.
_OLD = """
C02B ECDHE-ECDSA-AES128-GCM-SHA256   C02C ECDHE-ECDSA-AES256-GCM-SHA384   C02F ECDHE-RSA-AES128-GCM-SHA256     C030 ECDHE-RSA-AES256-GCM-SHA384
CCA8 ECDHE-RSA-CHACHA20-POLY1305     CCA9 ECDHE-ECDSA-CHACHA20-POLY1305   009E DHE-RSA-AES128-GCM-SHA256       009F DHE-RSA-AES256-GCM-SHA384
CCAA DHE-RSA-CHACHA20-POLY1305       C0AC ECDHE-ECDSA-AES128-CCM          C0AD ECDHE-ECDSA-AES256-CCM          C0AE ECDHE-ECDSA-AES128-CCM8
C0AF ECDHE-ECDSA-AES256-CCM8         C09E DHE-RSA-AES128-CCM              C09F DHE-RSA-AES256-CCM              C0A2 DHE-RSA-AES128-CCM8
C0A3 DHE-RSA-AES256-CCM8             C05C ECDHE-ECDSA-ARIA128-GCM-SHA256  C05D ECDHE-ECDSA-ARIA256-GCM-SHA384  C060 ECDHE-ARIA128-GCM-SHA256
C061 ECDHE-ARIA256-GCM-SHA384        C052 DHE-RSA-ARIA128-GCM-SHA256      C053 DHE-RSA-ARIA256-GCM-SHA384      C023 ECDHE-ECDSA-AES128-SHA256
C024 ECDHE-ECDSA-AES256-SHA384       C027 ECDHE-RSA-AES128-SHA256         C028 ECDHE-RSA-AES256-SHA384         C072 ECDHE-ECDSA-CAMELLIA128-SHA256
C073 ECDHE-ECDSA-CAMELLIA256-SHA384  C076 ECDHE-RSA-CAMELLIA128-SHA256    C077 ECDHE-RSA-CAMELLIA256-SHA384    0067 DHE-RSA-AES128-SHA256
006B DHE-RSA-AES256-SHA256           00BE DHE-RSA-CAMELLIA128-SHA256      00C4 DHE-RSA-CAMELLIA256-SHA256      C009 ECDHE-ECDSA-AES128-SHA
C00A ECDHE-ECDSA-AES256-SHA          C013 ECDHE-RSA-AES128-SHA            C014 ECDHE-RSA-AES256-SHA            0033 DHE-RSA-AES128-SHA
0039 DHE-RSA-AES256-SHA              0045 DHE-RSA-CAMELLIA128-SHA         0088 DHE-RSA-CAMELLIA256-SHA         009C AES128-GCM-SHA256
009D AES256-GCM-SHA384               C09C AES128-CCM                      C09D AES256-CCM                      C0A0 AES128-CCM8
C0A1 AES256-CCM8                     C050 ARIA128-GCM-SHA256              C051 ARIA256-GCM-SHA384              003C AES128-SHA256
003D AES256-SHA256                   00BA CAMELLIA128-SHA256              00C0 CAMELLIA256-SHA256              002F AES128-SHA
0035 AES256-SHA                      0041 CAMELLIA128-SHA                 0084 CAMELLIA256-SHA                 C008 ECDHE-ECDSA-DES-CBC3-SHA
C012 ECDHE-RSA-DES-CBC3-SHA          0016 DHE-RSA-DES-CBC3-SHA            000A DES-CBC3-SHA                    C007 ECDHE-ECDSA-RC4-SHA
C011 ECDHE-RSA-RC4-SHA               0005 RC4-SHA                         0004 RC4-MD5
"""
OLD_SUITES = {int(code, 16): name for code, name in re.findall(r"([0-9A-F]{4}) (\S+)", _OLD)}

_SLH_DSA = [f"{digest}_{size}{speed}" for digest in ("sha2", "shake") for size in (128, 192, 256) for speed in "sf"]
SCHEMES = {
    0x0403: "ecdsa_secp256r1_sha256",
    0x0503: "ecdsa_secp384r1_sha384",
    0x0603: "ecdsa_secp521r1_sha512",
    0x0804: "rsa_pss_rsae_sha256",
    0x0805: "rsa_pss_rsae_sha384",
    0x0806: "rsa_pss_rsae_sha512",
    0x0807: "ed25519",
    0x0808: "ed448",
    0x0809: "rsa_pss_pss_sha256",
    0x080A: "rsa_pss_pss_sha384",
    0x080B: "rsa_pss_pss_sha512",
    0x081A: "ecdsa_brainpoolP256r1tls13_sha256",
    0x081B: "ecdsa_brainpoolP384r1tls13_sha384",
    0x081C: "ecdsa_brainpoolP512r1tls13_sha512",
    0x0904: "mldsa44",
    0x0905: "mldsa65",
    0x0906: "mldsa87",
    **{0x0911 + number: f"slhdsa_{name}" for number, name in enumerate(_SLH_DSA)},
    0x0401: "rsa_pkcs1_sha256",
    0x0501: "rsa_pkcs1_sha384",
    0x0601: "rsa_pkcs1_sha512",
    0x0203: "ecdsa_sha1",
    0x0201: "rsa_pkcs1_sha1",
}

# The kind of a certificate's key (certificates/keys.py) → the schemes with which only such a key signs (RFC 8446 §4.2.3, draft-ietf-tls-mldsa).
# TLS 1.2 takes ecdsa_secp256r1_sha256 for a key on any curve, so the curves are not told apart.
_FAMILIES = {"ECDSA": ("ecdsa_",), "RSA": ("rsa_",), "ED25519": ("ed25519",)}


def schemes_of(kind: str) -> tuple[int, ...]:
    """Code points that a client offers to be served a certificate of that kind alone."""
    family, dummy, size = kind.rpartition("-")
    wanted = (f"mldsa{size}",) if family == "ML-DSA" else _FAMILIES[family or kind]
    return tuple(code for code, name in SCHEMES.items() if name.startswith(wanted))
