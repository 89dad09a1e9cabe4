#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_pilot); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_pilot
short_description: Measure an endpoint under load before and after a change, and name the layer that failed
version_added: 0.1.0
description:
  - These are the steps of the playbook C(quantumsafe.agility.pilot), which is how to use it. C(choose) and C(judge) run once, for all hosts.
  - The load are handshakes of two kinds of clients side by side, from the controller. A C(classical) one knows no hybrid, a C(hybrid) one prefers
    one and takes both. Nobody sends a request behind a handshake.
  - The host tells its processor time and what its daemon logged in two looks, before and after the load. An installed agent does not tell it.
  - Only endpoints of TLS over TCP are piloted. A load of half logins would have sshd shut the controller out.
options:
  step:
    description:
      - V(choose) checks what was given. V(baseline) measures, after C(crypto_plan_info). V(changed) measures again, after C(crypto_enforce), and asks
        the PKI. V(back) holds what C(crypto_rollback) left against what was there. V(judge) writes C(pilot.json) and tells the verdicts.
    type: str
    required: true
    choices: [choose, baseline, changed, back, judge]
  campaign:
    description: The campaign; the run's name when absent.
    type: str
  pilot:
    description:
      - Who is piloted, by the role that it has, V(internet), V(partner) or V(internal). The value is a host, or a mapping with C(host) and
        C(endpoint), the name of an endpoint as results spell it; without one it is the first that serves TLS. Each role has a host of its own.
      - Roles that are absent are told as not piloted.
    type: dict
    required: true
  pilot_handshakes:
    description: How many clients of each kind shake hands, in each of both loads.
    type: int
    default: 100
  pilot_concurrency:
    description: How many do so at once.
    type: int
    default: 8
  pilot_success:
    description: Per cent of the clients of each kind that must get a handshake.
    type: float
    default: 100
  pilot_latency:
    description: Milliseconds by which the 95th percentile of each kind may grow.
    type: float
    default: 50
  pilot_cpu:
    description: Milliseconds of processor time by which a handshake may cost the host more.
    type: float
    default: 5
  pilot_issuance:
    description: Seconds within which a certificate must be issued, where an authority is configured.
    type: int
    default: 60
  pilot_anchors:
    description: PEM file of the authorities that clients trust. Without it nobody checks whether they would trust the certificate.
    type: path
  days:
    description: Days that the certificate that is issued for a trial is good for. It is installed nowhere, and nobody keeps its key.
    type: int
    default: 47
  issuer:
    description: Who issues it. V(local), V(http) and V(est) are tried; V(handover) and V(acme) are told as not checked.
    type: str
    choices: [local, handover, http, est, acme]
    default: local
  issuer_url:
    description: The address of the issuer, for V(http) and V(est).
    type: str
extends_documentation_fragment:
  - quantumsafe.agility.agility
  - quantumsafe.agility.agility.issuer
attributes:
  check_mode:
    description: The baseline is measured and nothing else.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
  platform:
    description: The controller, and for the looks a host with a POSIX shell.
    support: full
    platforms: posix
"""

EXAMPLES = r"""
- name: Measure before a change of your own
  quantumsafe.agility.crypto_pilot:
    step: baseline
    pilot: {internet: edge-1, internal: {host: app-1, endpoint: "nginx *:8443"}}
"""

RETURN = r"""
hosts:
  description: The hosts that are piloted.
  returned: for choose
  type: list
  elements: str
  sample: [edge-1, app-1]
campaign:
  description: The campaign of their changes.
  returned: for choose
  type: str
  sample: pilot-2027
services:
  description: The services that are changed, all of TLS unless you name some.
  returned: for choose
  type: list
  elements: str
  sample: [haproxy, nginx, postgresql]
piloted:
  description: The file on the controller with what was measured.
  returned: for baseline, changed and back
  type: str
  sample: agility-results/20270110T014502-4711/pilot/edge-1.json
passed:
  description: Whether every endpoint passed.
  returned: for judge
  type: bool
  sample: true
verdicts:
  description: Of each endpoint whether it passed, and else the layer (library, terminator, middlebox, PKI, client or unknown) and why.
  returned: for judge
  type: list
  elements: dict
  sample: [{role: partner, host: gw-1, endpoint: "nginx *:443", passed: false, layer: middlebox, why: …}]
pilot_file:
  description: All of it, with every check and its figures.
  returned: for judge
  type: str
  sample: agility-results/20270110T014502-4711/pilot.json
report:
  description: The same for a person.
  returned: for choose and judge
  type: list
  elements: str
  sample: ["edge-1 (internet): PASS"]
"""
