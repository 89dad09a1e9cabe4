"""Small policies as text, and how to load them without a file system."""

from __future__ import annotations

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.lookup import Algorithm, find
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import load
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Policy

HEAD = 'policy: {name: t, version: "1"}\n'
RULES = "rules:\n"
DEFAULTS = {"id": "a", "match": "{protocol: tls}", "aspect": "key_exchange", "allow": "{construction: [hybrid]}", "source": "{doc: x, force: draft}"}


def rule(**changes: str | None) -> str:
    """One rule; keys are the language's, values its YAML, None takes one away."""
    said = {key: value for key, value in {**DEFAULTS, **changes}.items() if value is not None}
    first, *others = (f"{key}: {value}\n" for key, value in said.items())
    return f"  - {first}" + "".join(f"    {line}" for line in others)


def binding(*asked: tuple[str, str, str], stage: str = "require") -> str:
    """A whole policy of one rule each, by which everybody is bound: (protocol, aspect, what it allows)."""
    said = {"source": "{doc: a test, force: requirement}", "verified": "2026-11-27"}
    ruled = (
        rule(id=f"{aspect}-{protocol}".replace("_", "-"), match=f"{{protocol: {protocol}}}", aspect=aspect, allow=allow, **said)
        for protocol, aspect, allow in asked
    )
    return f"{HEAD}{RULES}{''.join(ruled)}stages: [{{stage: {stage}}}]\n"


def of(text: str, path: str = "p.yml", others: dict[str, str] | None = None) -> Policy:
    """The policy that `text` at `path` is, beside `others` (path → text)."""
    texts = {path: text, **(others or {})}

    def read(name: str) -> str:
        if name not in texts:
            raise FileNotFoundError(2, "No such file or directory")
        return texts[name]

    return load(path, read)


def known(protocol: str, aspect: str, name: str) -> Algorithm:
    algorithm = find(protocol, aspect, name)
    assert algorithm, name
    return algorithm


DUTIES = {
    "id": "EX-1",
    "match": "{host: plc-7, rule: kex-tls}",
    "reason": "firmware end of life",
    "owner": "plant",
    "approver": "ciso",
    "expires": "2027-12-31",
    "compensating": "gateway in front",
}


def exception(**changes: str | None) -> str:
    """One exception; None takes a key away."""
    said = {key: value for key, value in {**DUTIES, **changes}.items() if value is not None}
    first, *others = (f"{key}: {value}\n" for key, value in said.items())
    return f"  - {first}" + "".join(f"    {line}" for line in others)
