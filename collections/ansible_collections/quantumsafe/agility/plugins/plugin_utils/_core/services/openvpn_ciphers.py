"""The ciphers of OpenVPN's data channel: what a configuration lets two ends agree on.

Sources: openvpn(8) and Changes.rst of 2.4 to 2.7: negotiation came with 2.4 (ncp-ciphers), `--cipher` is added to it until 2.5 and ignored from 2.6
on, CHACHA20-POLY1305 came to the default with 2.6, the word DEFAULT with 2.7; "?" before a name drops it where it is not known.
"""

from __future__ import annotations

from ..model import Evidence, Origin, Setting
from .openssl import Version
from .openvpn_config import Config

LISTS = ("data-ciphers", "ncp-ciphers")
HAS_LIST, HAS_DATA_CIPHERS, IGNORES_CIPHER, HAS_DEFAULT = (2, 4), (2, 5), (2, 6), (2, 7)
_DEFAULT = ("AES-256-GCM", "AES-128-GCM")


def ciphers(config: Config, version: Version, known: tuple[str, ...] | None, label: str, evidence: Evidence) -> Setting | None:
    """None where the release is not known."""
    if not version:
        return None
    said = config.last(*LISTS)
    names = list(_listed(said.option.value if said else "DEFAULT", version, known))
    alone = version < HAS_LIST or (config.has("ncp-disable") and version < IGNORES_CIPHER)
    if alone:
        names = [config.value("cipher", "BF-CBC").upper()]
    elif config.has("cipher") and version < IGNORES_CIPHER:
        names.append(config.value("cipher").upper())
    fallback = config.last("data-ciphers-fallback")
    if fallback:
        names.append(fallback.option.value.upper())
    governs = (config.last("cipher") if alone else said) or fallback
    return Setting(tuple(dict.fromkeys(names)), governs.origin if governs else Origin(f"default of {label}"), evidence)


def _listed(text: str, version: Version, known: tuple[str, ...] | None) -> tuple[str, ...]:
    default = (*_DEFAULT, "CHACHA20-POLY1305") if version >= IGNORES_CIPHER else _DEFAULT
    if text == "DEFAULT":
        return tuple(name for name in default if known is None or name in known)
    out: list[str] = []
    for word in text.split(":"):
        name = word.lstrip("?").upper()
        if name == "DEFAULT" and version >= HAS_DEFAULT:
            out += default
        elif name and not (word.startswith("?") and known is not None and name not in known):
            out.append(name)
    return tuple(out)
