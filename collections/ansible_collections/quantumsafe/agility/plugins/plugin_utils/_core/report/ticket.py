"""ticket.md: what a plan would do, in plain words for a change ticket.  A reading of plan.json; only that is applied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..waves.cut import Wave, within
from .waves import wave_lines

NOBODY = "Nobody, by what is known."


def ticket(plan: Mapping[str, Any], digest: str, campaign: str, path: str, waves: Sequence[Wave] = ()) -> str:
    """campaign: what the change is to be called, so that it can be undone by that name; path: of plan.json; waves: of the whole fleet."""
    hosts = plan["hosts"]
    changing = {host: entry for host, entry in hosts.items() if entry["plan"]["changes"]}
    policies = sorted({f"{e['policy']['name']}@{e['policy']['version']} ({e['policy']['digest']})" for e in hosts.values()})
    still = sorted(set(hosts) - set(changing))
    return "\n".join(
        [
            "# Change of TLS, SSH and VPN settings",
            "",
            f"Plan: `{path}`, SHA-256 `{digest}`",
            *(f"Policy: {policy}" for policy in policies),
            f"Hosts: {len(changing)} change, {len(still)} need nothing, {len(plan['left_out'])} could not be planned.",
            *_section("What changes", _together((host, _changes(entry)) for host, entry in changing.items())),
            *_section("Who notices", _together(_noticed(changing)) or [NOBODY]),
            *_section("What to know before", _together((host, text) for host, e in hosts.items() for text in e["plan"]["warnings"])),
            *_section("Outage expected", _together((host, text) for host, e in changing.items() for text in e["outage"])),
            *_section("How it is proved", _together(_proofs(changing))),
            *_section("How to apply it", _apply(campaign, path) if changing else ["There is nothing to apply."]),
            *_section("In waves", _waves(waves, changing)),
            *_section("How to undo it", _undo(campaign) if changing else ["There is nothing to undo."]),
            *_section("Not in this plan", _together(plan["left_out"].items())),
            *_section("Need nothing", [", ".join(still)] if still else []),
            "",
        ]
    )


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = list(lines)
    return ["", f"## {title}", "", *found] if found else []


def _together(said: Iterable[tuple[str, str]]) -> list[str]:
    """One line for each thing to say, with all hosts of which it is said."""
    hosts: dict[str, list[str]] = {}
    for host, text in said:
        hosts.setdefault(text, []).append(host)
    return [f"- **{', '.join(dict.fromkeys(of))}**: {text}" for text, of in hosts.items()]


def _changes(entry: Mapping[str, Any]) -> str:
    files = ", ".join(f"`{change['path']}`" for change in entry["plan"]["changes"])
    return "\n  - ".join([files, *entry["plan"]["reasons"]])


def _noticed(changing: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Whoever is cut off or loses something, and whoever is connected to what is restarted."""
    for host, entry in changing.items():
        for reason in entry["plan"]["reasons"]:
            endpoint, dummy, text = reason.partition(": ")
            yield from ((host, f"{endpoint} {part}") for part in text.split("; ")[1:] if part.startswith(("cuts off ", "takes ", "removes ")))
        yield from ((host, f"whoever is connected to {a['service']}") for a in entry["plan"]["activations"] if a["action"] == "restart")


def _proofs(changing: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for host, entry in changing.items():
        for probe in entry["plan"]["probes"]:
            wants = [f"must agree on {' or '.join(probe['expect'])}"] if probe["expect"] else []
            wants += [f"must refuse {', '.join(probe['forbid'])}"] if probe["forbid"] else []
            yield host, f"{probe['endpoint']}, asked live, {' and '.join(wants) or 'must answer'}"
        yield host, "a new login over a new connection, or it goes back by itself (after 120 s, or agility_confirm_timeout)"


def _apply(campaign: str, path: str) -> list[str]:
    command = f"ansible-playbook quantumsafe.agility.enforce -i INVENTORY -b -e agility_plan={path} -e agility_campaign={campaign}"
    return [
        "With the same policy (agility_policy) as the plan:",
        "",
        f"    {command}",
        "",
        "A host that is not as it was planned is refused untouched.",
    ]


def _waves(waves: Sequence[Wave], changing: Mapping[str, Any]) -> list[str]:
    lines = wave_lines(waves, within(waves, changing))
    told = "With the playbook `quantumsafe.agility.waves` in place of `enforce`, in this order; each soaks and is judged before the next begins:"
    return [told, "", *(f"- {line}" for line in lines)] if lines else []


def _undo(campaign: str) -> list[str]:
    command = f"ansible-playbook quantumsafe.agility.rollback -i INVENTORY -b -e agility_campaign={campaign}"
    return [
        "Every file is put back byte for byte, with owner, mode and time; a file that somebody changed since is named and left alone:",
        "",
        f"    {command}",
    ]
