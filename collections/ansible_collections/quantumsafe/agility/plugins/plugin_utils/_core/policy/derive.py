"""Rules that follow from others.  They have ids of their own, so that an exception must name them too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date

from ..algorithms.lookup import OVER_TLS
from ..model import Source
from .binding import binding
from .model import Exemption, Match, Requirement, Rule
from .select import Select
from .weight import weight

CAUSE = "derived from key_exchange at stage require"

# Every hybrid and post-quantum group is one of TLS 1.3, so a list of nothing else with TLS 1.2 on leaks through TLS 1.2.
TLS13 = Rule(
    id="pq-implies-tls13",
    aspect="version",
    match=Match(protocol="tls"),
    allow=Select({"name": ("TLSv1.3",)}),
    source=Source("RFC 10024", "1", "2026-08-10", "requirement", "2026-11-23"),
    origin=CAUSE,
)
# A session that is resumed without a fresh exchange, and data sent before one, are as safe as the exchange that the ticket came from;
# tickets of classical times must not outlive the change (seven days are the longest that RFC 8446 allows).
SESSION = Rule(
    id="pq-implies-fresh-sessions",
    aspect="session",
    match=Match(protocol="tls"),
    allow=Select(),
    require={"early_data": ("never",), "psk_ke": ("never",), "ticket_key_age": ("<=7d",)},
    source=Source("RFC 8446", "2.2, 2.3 and 4.6.1", "2018-08-31", "recommendation", "2026-11-26"),
    origin=CAUSE,
)
DERIVED = frozenset({TLS13.id, SESSION.id})


def derived(
    found: Mapping[str, Requirement],
    protocol: str,
    as_of: date,
    classical_left: Callable[[Requirement, date], bool],
    exceptions: Iterable[Exemption],
) -> Mapping[str, Requirement]:
    """The requirements and what they imply: quantum-safe key exchange at stage require leaves TLS 1.3 only, and fresh sessions only.

    exceptions: all of this target's scope, for those that name a rule which is derived here.
    """
    exchange = found.get("key_exchange")
    if protocol not in OVER_TLS or exchange is None or not exchange.applicable or exchange.stage != "require" or classical_left(exchange, as_of):
        return found
    bound = binding({"key_exchange": exchange}).get("key_exchange")
    binds = bound is not None and not classical_left(bound, as_of)  # what follows from a draft binds no more than the draft
    version = found.get("version")
    said = version and version.stage == "require" and any(rule.allow.words.get("name") == ("TLSv1.3",) for rule in version.rules)
    out = dict(found)
    for rule in (SESSION,) if said else (replace(TLS13, binds=binds), SESSION):
        answers = tuple(one for one in exceptions if rule.id in one.rules)
        out[rule.aspect] = _with(out.get(rule.aspect), rule, exchange, answers)
    return out


def _with(old: Requirement | None, rule: Rule, cause: Requirement, answers: tuple[Exemption, ...]) -> Requirement:
    """What was asked of this aspect before, and this rule.  Where nothing held, only the derived rule does."""
    if old is None or not old.applicable:
        kept = old or replace(cause, outside=(), replaced=())
        alone = replace(kept, rule=rule, rules=(rule,), ordering=rule, exceptions=answers)
    else:
        alone = replace(old, rules=tuple(sorted((*old.rules, rule), key=weight)), exceptions=tuple(dict.fromkeys((*old.exceptions, *answers))))
    return replace(alone, stage="require", stage_origin=rule.origin, next_stage=None, required_from="", applicable=True, seen={})
