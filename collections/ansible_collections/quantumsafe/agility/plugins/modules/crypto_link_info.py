#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_link_info); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_link_info
short_description: Show both ends of every tunnel side by side
version_added: 0.1.0
description:
  - Finds in the results of audits which endpoints of which hosts are two ends of one tunnel (strongSwan, WireGuard, OpenVPN), and tells what
    each offers, what they would agree on, what they did agree on, and whether both could move to a quantum-safe exchange.
  - An end that nobody here manages is normal, and is named.
  - Writes C(links.json) into the results folder. Asks no host and changes none.
options:
  output:
    description: The results folder. It is read, unless O(results) is given, and gets C(links.json).
    type: path
  results:
    description: Results folders of several runs. The last look at each host counts.
    type: list
    elements: path
    default: []
  serial:
    description: Sizes of the batches of C(order), numbers of hosts or per cent, for hubs and for spokes each; the last one is taken again.
    type: list
    elements: str
    default: ["1", "100%"]
author:
  - quantumsafe.agility contributors (@quantumsafe)
extends_documentation_fragment:
  - quantumsafe.agility.agility.controller
"""

EXAMPLES = r"""
- name: Which tunnels are there, from two audits that were made apart
  quantumsafe.agility.crypto_link_info:
    results: [agility-results/north, agility-results/south]
  delegate_to: localhost
  run_once: true
  register: tunnels
"""

RETURN = r"""
agility_output:
  description: The results folder with C(links.json).
  returned: success
  type: str
  sample: agility-results/20261123T014502-4711
links:
  description: The links; C(channels) holds both sides of what is negotiated, the connection first, then its children.
  returned: success
  type: list
  elements: dict
  sample: [{service: strongswan, hub: "", verdict: {state: able, why: "both can do x25519-ke1_mlkem768: …"}}]
hubs:
  description:
    - Connections that take anybody, with those seen with an SA of them in all of the results, by what they agreed on (C(safe), C(classical),
      C(untold)), and what the journal of the host says of all that came, counted (C(came), at the last look).
  returned: success
  type: list
  elements: dict
  sample: [{host: vpn-d, endpoint: road, since: "2026-11-13T02:00:00Z", looks: 14, clients: {safe: [a.example], classical: [b.example], untold: []}}]
order:
  description:
    - In which batches C(migrate_links) moves the hosts of the play, for each of its steps. To C(expand) a hub comes before its spokes, to C(contract)
      behind them; the hosts of pairs are in the last batch, together. C(early) are those whose other ends are changed in a later batch.
  returned: success
  type: dict
  sample:
    expand: {hosts: [hub, spoke-1, spoke-2], serial: [1, 1, 1], early: [hub]}
    contract: {hosts: [spoke-1, spoke-2, hub], serial: [1, 1, 1], early: [spoke-1, spoke-2]}
report:
  description: The same as lines for a person.
  returned: success
  type: list
  elements: str
  sample: ["vpn-a site ↔ vpn-b site (strongswan)"]
"""
