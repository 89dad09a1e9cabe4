"""Two clocks: a key exchange is as urgent as the data is long-lived (what is recorded today is read later), a signature as its credential is."""

from __future__ import annotations

from datetime import date
from typing import Literal

from .model import Endpoint
from .policy.model import Requirement

Severity = Literal["none", "low", "medium", "high"]
RAISED: dict[Severity, Severity] = {"low": "medium", "medium": "high"}
BY_CREDENTIAL = ("signature", "certificate")


def raised(endpoint: Endpoint, aspect: str, requirement: Requirement, severity: Severity, deadline: str, as_of: date) -> tuple[Severity, str]:
    """(severity, why it is one step higher): the data, or the credential, outlives the day on which this ends."""
    until = ""
    if aspect == "key_exchange" and requirement.data_lifetime:
        until = f"{as_of.year + requirement.data_lifetime:04}{as_of.isoformat()[4:]}"
        why = f"what is recorded today must stay secret until {until}, beyond {deadline}"
    elif aspect in BY_CREDENTIAL:
        until = max((one.not_after[:10] for one in endpoint.certificates if one.not_after[:4].isdigit()), default="")
        why = f"a certificate lives until {until}, beyond {deadline}"
    if not deadline or until <= deadline or severity not in RAISED:
        return severity, ""
    return RAISED[severity], why
