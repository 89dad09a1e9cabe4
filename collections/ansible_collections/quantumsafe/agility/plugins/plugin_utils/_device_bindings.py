# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: what a network device must serve once it names another certificate."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ._core.documents.lines import apply
from ._core.model import Change, Probe, Problem
from ._core.targets.device import PATH, Device
from ._core.targets.device_api import ApiDevice
from ._core.targets.survey import Survey
from ._proving import prove
from ._run import Run

AGAIN = (5.0,)  # seconds that HTTPS of a device may take to start anew, before what it serves is looked at again


def looked(one: Device | ApiDevice) -> Survey:
    """A look with the certificates that it holds."""
    return one.certified(one.look())


def patient(run: Run, probes: tuple[Probe, ...], answered: tuple[str, ...]) -> tuple[tuple[Mapping[str, Any], ...], list[str]]:
    """As prove, where a server may be starting anew."""
    proofs, wrong = prove(run, probes, answered)
    for pause in AGAIN:
        if not wrong:
            break
        time.sleep(pause)
        proofs, wrong = prove(run, probes, answered)
    return proofs, wrong


def rebound(one: Device | ApiDevice, seen: Survey, change: Change) -> tuple[Probe, ...]:
    """What must be served once that change has been made, where it names other certificates.  Raises Problem for one that is not there any more."""
    keeping, snapshot = one.keeping, seen.snapshot
    file = snapshot.files[PATH]
    after = replace(snapshot, files={PATH: replace(file, text=apply(file.text or "", change.edits))})
    before = {b.pair for serving in keeping.servings(snapshot) for b in serving.bindings}
    held, ports = keeping.held(snapshot), {e.id: e.addresses[0][1] for e in seen.endpoints}
    out = list[Probe]()
    for serving in keeping.servings(after):
        for pair in (b.pair for b in serving.bindings if b.pair not in before):
            if pair.key and pair.certificate not in held:
                raise Problem(f"{pair.certificate}, which was named there, is not there any more", one.host, "nothing was changed")
            shown = held[pair.certificate].fingerprint if pair.key else ""
            out += [Probe("tls", id_, ports[id_], certificate=shown) for id_ in serving.endpoints if id_ in ports]
    return tuple(out)
