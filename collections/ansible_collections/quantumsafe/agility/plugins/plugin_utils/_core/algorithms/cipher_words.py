"""The words of OpenSSL's cipher lists, and what each selects: openssl-ciphers(1), "CIPHER STRINGS", as data.

A word names, by category of a Suite, the values of which one must hold.  Categories and labels are those of `openssl ciphers -v`.
"""

from __future__ import annotations

from collections.abc import Mapping

Pattern = Mapping[str, frozenset[str]]

DEFAULT = "ALL:!COMPLEMENTOFDEFAULT:!eNULL"
LATER = {"CBC": (3, 0)}  # words that older libraries do not know, and so ignore: 1.1.1 has no CBC

# RFC 6460.  The first that an expression begins with replaces all of it.
SUITE_B = (
    ("SUITEB128ONLY", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    ("SUITEB128C2", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    ("SUITEB128", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"),
    ("SUITEB192", "ECDHE-ECDSA-AES256-GCM-SHA384"),
)


def sized(*names: str) -> frozenset[str]:
    """Those ciphers with keys of 128 and of 256 bits, in the library's spelling."""
    return frozenset(f"{name}({bits})" for name in names for bits in (128, 256))


def _is(**values: str) -> Pattern:
    return {category: frozenset(text.split()) for category, text in values.items()}


def _each(words: str, **values: str) -> Mapping[str, Pattern]:
    return dict.fromkeys(words.split(), _is(**values))


MEDIUM = frozenset({"SEED(128)", "3DES(168)", "RC4(128)", "IDEA(128)"})
NOT_DEFAULT = MEDIUM | sized("AESCCM", "AESCCM8", "ARIAGCM", "Camellia")
FIPS = sized("AES", "AESGCM") | {"3DES(168)"}
_AES = sized("AES", "AESGCM", "AESCCM", "AESCCM8")

WORDS: Mapping[str, Pattern] = {
    "ALL": _is(secret="yes"),
    "COMPLEMENTOFALL": _is(secret="no"),
    "COMPLEMENTOFDEFAULT": _is(default="no"),
    # key exchange
    **_each("kDHE kEDH DH", kx="DH"),
    **_each("kECDHE kEECDH ECDH", kx="ECDH"),
    **_each("DHE EDH", kx="DH", anonymous="no"),
    **_each("ECDHE EECDH", kx="ECDH", anonymous="no"),
    **_each("ADH", kx="DH", anonymous="yes"),
    **_each("AECDH", kx="ECDH", anonymous="yes"),
    **_each("kRSA", kx="RSA"),
    **_each("RSA", kx="RSA", au="RSA"),
    **_each("kPSK", kx="PSK"),
    **_each("kRSAPSK", kx="RSAPSK"),
    **_each("kECDHEPSK", kx="ECDHEPSK"),
    **_each("kDHEPSK", kx="DHEPSK"),
    **_each("PSK", kx="PSK RSAPSK ECDHEPSK DHEPSK"),
    **_each("kSRP SRP", kx="SRP"),
    **_each("kGOST", kx="GOST"),
    **_each("kGOST18", kx="GOST18"),
    # authentication
    **_each("aRSA", au="RSA"),
    **_each("aDSS DSS", au="DSS"),
    **_each("aECDSA ECDSA", au="ECDSA"),
    **_each("aNULL", anonymous="yes"),
    **_each("aPSK", au="PSK"),
    **_each("aSRP", au="SRP"),
    **_each("aGOST01", au="GOST01"),
    **_each("aGOST12", au="GOST12"),
    **_each("aGOST", au="GOST01 GOST12"),
    # encryption
    **_each("eNULL NULL", secret="no"),
    "AES": {"enc": _AES},
    "AES128": {"enc": frozenset(name for name in _AES if "128" in name)},
    "AES256": {"enc": frozenset(name for name in _AES if "256" in name)},
    "AESGCM": {"enc": sized("AESGCM")},
    "AESCCM": {"enc": sized("AESCCM", "AESCCM8")},
    "AESCCM8": {"enc": sized("AESCCM8")},
    **_each("ARIA ARIAGCM", enc="ARIAGCM(128) ARIAGCM(256)"),
    **_each("ARIA128", enc="ARIAGCM(128)"),
    **_each("ARIA256", enc="ARIAGCM(256)"),
    "CAMELLIA": {"enc": sized("Camellia")},
    **_each("CAMELLIA128", enc="Camellia(128)"),
    **_each("CAMELLIA256", enc="Camellia(256)"),
    **_each("CHACHA20", enc="CHACHA20/POLY1305(256)"),
    **_each("SEED", enc="SEED(128)"),
    **_each("3DES", enc="3DES(168)"),
    **_each("IDEA", enc="IDEA(128)"),
    **_each("RC4", enc="RC4(128)"),
    **_each("RC2", enc="RC2(128)"),
    "CBC": {"enc": sized("AES", "Camellia") | {"SEED(128)", "3DES(168)", "IDEA(128)", "RC2(128)", "DES(56)"}},
    # integrity
    **_each("SHA1 SHA", mac="SHA1"),
    **_each("MD5", mac="MD5"),
    **_each("SHA256", mac="SHA256"),
    **_each("SHA384", mac="SHA384"),
    # the first protocol version that has it
    **_each("SSLv3", version="SSLv3"),
    **_each("TLSv1 TLSv1.0", version="TLSv1"),
    **_each("TLSv1.2", version="TLSv1.2"),
    # strength.  A suite is HIGH or MEDIUM, and may be FIPS; two of these words together select nothing
    **_each("HIGH", strength="HIGH"),
    **_each("MEDIUM", strength="MEDIUM"),
    **_each("LOW", strength="LOW"),
    **_each("FIPS", strength="FIPS"),
    # names from before 1.1.0
    **_each("EDH-RSA-DES-CBC3-SHA", kx="DH", au="RSA", enc="3DES(168)"),
    **_each("EDH-DSS-DES-CBC3-SHA", kx="DH", au="DSS", enc="3DES(168)"),
}
