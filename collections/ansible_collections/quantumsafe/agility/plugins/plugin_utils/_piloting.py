# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: the steps of a pilot on the controller: choose, measure before and after the change, see the way back, judge.

What is known of an endpoint lies in OUTPUT/pilot/<host>.json from one step to the next; pilot.json is the whole of it with the verdicts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ._core.model import Probe, Problem
from ._core.peers import quantum_safe
from ._core.pilot.judge import Check, Limits, Piloted, check, judged
from ._core.pilot.layers import STAYED
from ._core.pilot.load import load_from
from ._core.probe.tls_hello import host_name
from ._core.report.output import file_name, utf8, write_whole
from ._core.report.pilot import pilot_lines, told
from ._core.report.results import BAD, HostResult, plain, read_host
from ._core.services import SERVICES
from ._entries import on_controller
from ._issuers import SPEC as ISSUER
from ._pilotload import Seen, loaded
from ._pilotpki import issuance, served
from ._proving import where_of
from ._run import COMMON, Run, say

ROLES = ("internet", "partner", "internal")
SPEC: dict[str, Any] = {
    **COMMON,
    "step": {"type": "str", "required": True, "choices": ["choose", "baseline", "changed", "back", "judge"]},
    "campaign": {"type": "str"},
    "pilot": {"type": "dict", "required": True},
    "pilot_handshakes": {"type": "int", "default": 100},
    "pilot_concurrency": {"type": "int", "default": 8},
    "pilot_success": {"type": "float", "default": 100.0},
    "pilot_latency": {"type": "float", "default": 50.0},
    "pilot_cpu": {"type": "float", "default": 5.0},
    "pilot_issuance": {"type": "int", "default": 60},
    "pilot_anchors": {"type": "path"},
    "days": {"type": "int", "default": 47},
    **ISSUER,
}


class Pilot:
    """One step of one run."""

    def __init__(self, run: Run) -> None:
        self.run, self.dry = run, bool(run.action._task.check_mode)
        self.roles = roles(run.args["pilot"])
        self.folder = run.output / "pilot"
        self.path = self.folder / file_name(run.host)

    def take(self, step: str) -> dict[str, Any]:
        found: dict[str, Any] = getattr(self, step)()
        return found

    # -- once, for all of them

    def choose(self) -> dict[str, Any]:
        """Whom the plays behind go through.  Raises Problem for anything that a later step would stumble over."""
        args, play = self.run.args, {str(host) for host in self.run.vars.get("ansible_play_hosts_all", ())}
        if strange := [host for host, dummy in self.roles.values() if host not in play]:
            raise Problem(f"{', '.join(strange)} is none of the hosts of the play", "agility_pilot", "name hosts of the inventory, within --limit")
        if min(args["pilot_handshakes"], args["pilot_concurrency"]) < 1:
            raise Problem("a load is at least one handshake", "agility_pilot_handshakes, agility_pilot_concurrency", "nothing was changed")
        tls = [name for name, service in SERVICES.items() if service.protocol == "tls"]
        return {
            "hosts": [host for host, dummy in self.roles.values()],
            "campaign": str(args.get("campaign") or self.run.run),
            "services": list(args["services"]) or tls,
            "report": [f"{role}: {host} {endpoint}".rstrip() for role, (host, endpoint) in self.roles.items()],
        }

    def judge(self) -> dict[str, Any]:
        if self.dry:
            return {"passed": True, "report": [f"check mode: only the baseline was measured, see {self.folder}"]}
        args = self.run.args
        limits = Limits(args["pilot_success"], args["pilot_latency"], args["pilot_cpu"])
        verdicts = [judged(self._piloted(role, host), limits) for role, (host, dummy) in self.roles.items()]
        absent = {role: "agility_pilot names no host for it" for role in ROLES if role not in self.roles}
        path, rows = self.run.output / "pilot.json", told(verdicts)
        whole = {"campaign": str(args.get("campaign") or self.run.run), "limits": plain(limits), "endpoints": rows, "not_piloted": absent}
        write_whole(path, utf8(json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False)))
        return {
            "passed": all(one.passed for one in verdicts),
            "verdicts": [{name: row[name] for name in ("role", "host", "endpoint", "passed", "layer", "why")} for row in rows],
            "pilot_file": str(path),
            "report": [*pilot_lines(verdicts, absent), f"all of it: {path}"],
        }

    def _piloted(self, role: str, host: str) -> Piloted:
        path = self.folder / file_name(host)
        if not path.is_file():
            return Piloted(host, role, problem="nothing is known of it: see what stopped it above")
        facts = json.loads(path.read_text(encoding="utf-8"))
        known: dict[str, Any] = {name: facts[name] for name in ("endpoint", "status", "problem", "can", "offers", "at_home") if name in facts}
        known |= {name: load_from(facts[name]) for name in ("before", "after") if name in facts}
        return Piloted(host, role, **known, checks=tuple(Check(**one) for one in facts.get("checks", ())))

    # -- for each host

    def baseline(self) -> dict[str, Any]:
        role = next(role for role, (host, dummy) in self.roles.items() if host == self.run.host)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.path.unlink(missing_ok=True)
        result = self._result()
        if result is None or result.status in BAD:
            return self._keep(status=result.status if result else "", problem=say(result.problem) if result else "it was not planned")
        try:
            endpoint = _endpoint(result, self.roles[role][1])
            probe, units = _probe(endpoint), _units(endpoint)
            where = where_of(self.run, probe)
            if not where:
                raise Problem("no address reaches it from here", endpoint["id"], "set agility_probe_address")
            seen = loaded(self.run, probe, where, units)
        except Problem as problem:
            self._keep(problem=str(problem))
            raise
        groups = endpoint["capabilities"].get("key_exchange", {}).get("names")
        can = None if groups is None else any(quantum_safe("tls", name) for name in groups)
        asked = {"endpoint": endpoint["id"], "probe": plain(probe), "where": where, "units": units}
        return self._keep(**asked, can=can, before=plain(seen.load), errors=seen.errors)

    def changed(self) -> dict[str, Any]:
        facts, result = self._facts(), self._result()
        if self.dry or "probe" not in facts or result is None:
            return {}
        self._keep(status=result.status, problem=say(result.problem) if result.status not in STAYED else "", files=plain(result.files))
        probe = Probe(**{**facts["probe"], "expect": (), "forbid": ()})
        seen, before = loaded(self.run, probe, facts["where"], tuple(facts["units"])), load_from(facts["before"])
        name = host_name(probe.server_name) or host_name(self.run.host)
        with on_controller(self.run.action, self.run.vars, "pilot") as keys:
            checks = [
                _logging(facts["errors"], seen),
                served(self.run, probe, facts["where"], before, seen.load),
                issuance(self.run, name, keys),
            ]
        endpoint = next((one for one in result.endpoints if one["id"] == facts["endpoint"]), None)
        return self._keep(
            offers=endpoint and any(quantum_safe("tls", name) for name in endpoint["settings"].get("key_exchange", {}).get("values", ())),
            at_home=seen.at_home,
            after=plain(seen.load),
            checks=plain(checks),
        )

    def back(self) -> dict[str, Any]:
        """What the rollback left, held against what the change had found."""
        facts, result = self._facts(), self._result()
        if self.dry or "probe" not in facts or result is None:
            return {}
        if facts.get("status") == "changed":
            now = {kept["path"]: kept["now"] for kept in result.files}
            strayed = [kept["path"] for kept in facts["files"] if now.get(kept["path"]) != kept["before"]]
            good = result.verb == "rollback" and result.status == "rolled-back" and not strayed
            said = f"{len(facts['files'])} files byte for byte as before" if good else say(result.problem) if result.problem else ", ".join(strayed)
            found = check("rollback", good, said)
        else:
            went = facts.get("status") == "reverted"
            found = check("rollback", went or None, "the host went back by itself, byte for byte" if went else "there was nothing to be taken back")
        return self._keep(checks=[*facts.get("checks", ()), plain(found)])

    def _result(self) -> HostResult | None:
        """What the task before this one found, or did."""
        path = self.run.output / "hosts" / file_name(self.run.host)
        found = read_host(path) if path.is_file() else None
        return found if found and found.run == self.run.run else None

    def _facts(self) -> dict[str, Any]:
        return json.loads(self.path.read_text(encoding="utf-8")) if self.path.is_file() else {}

    def _keep(self, **more: Any) -> dict[str, Any]:
        write_whole(self.path, utf8(json.dumps(self._facts() | more, sort_keys=True)))
        return {"piloted": str(self.path)}


def roles(given: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Role → (host, endpoint or "" for the first that serves TLS), in the order of ROLES.  Raises Problem."""
    remedy = "e.g. {internet: edge-1, partner: gw-1, internal: {host: app-1, endpoint: 'nginx *:8443'}}; nothing was changed"
    out: dict[str, tuple[str, str]] = {}
    for role in ROLES:
        one = given.get(role) or {}
        one = {"host": one} if isinstance(one, str) else one
        if one and not (isinstance(one, Mapping) and one.get("host") and set(one) <= {"host", "endpoint"}):
            raise Problem(f"{role} names no host", "agility_pilot", remedy)
        if one:
            out[role] = str(one["host"]), str(one.get("endpoint") or "")
    hosts = [host for host, dummy in out.values()]
    if not out or set(given) - set(ROLES) or len(set(hosts)) < len(hosts):
        raise Problem("it names one to three roles, each with a host of its own", "agility_pilot", remedy)
    return out


def _endpoint(result: HostResult, wanted: str) -> Mapping[str, Any]:
    """The one that is piloted.  Raises Problem."""
    serving = [one for one in result.endpoints if one["protocol"] == "tls" and one["role"] == "server" and one["transport"] == "tcp"]
    found = next((one for one in serving if wanted in ("", one["id"]) and one["addresses"]), None)
    if found is None:
        there = ", ".join(one["id"] for one in serving) or "none"
        raise Problem(f"it serves no TLS{f' as {wanted}' if wanted else ''}", result.host, f"what serves TLS there: {there}")
    return found


def _probe(endpoint: Mapping[str, Any]) -> Probe:
    address, port = endpoint["addresses"][0]
    name = next(iter(endpoint["server_names"]), "")
    return Probe("tls", endpoint["id"], port, "" if address == "*" else address, name, starttls=endpoint["starttls"])


def _units(endpoint: Mapping[str, Any]) -> tuple[str, ...]:
    grant = SERVICES[endpoint["service"]].grant
    return grant.units if grant else ()


def _logging(before: int | None, seen: Seen) -> Check:
    """The same load wrote no more errors than before the change."""
    if before is None or seen.errors is None:
        return check("logging", None, seen.error or "its log could not be read before the change")
    more = f": {seen.error}" if seen.errors else ""
    return check("logging", seen.errors <= before, f"errors in its log under the same load: {before} → {seen.errors}{more}")
