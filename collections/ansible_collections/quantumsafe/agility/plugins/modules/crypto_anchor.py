#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_anchor); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_anchor
short_description: Place a trust anchor in a host's store, or withdraw it
version_added: 0.1.0
description:
  - Places a root certificate among the host's own anchors and makes the store of them (C(update-ca-certificates) or C(update-ca-trust)), as
    a transaction. The host's own openssl must then trust it, or the host goes back by itself.
  - It is not withdrawn while a certificate that a host of the inventory serves still ends there, nor while a host of the inventory was not
    looked at by M(quantumsafe.agility.crypto_anchor_info) in the same run. The playbook C(distribute_anchors) does both.
  - C(rollback) takes a placed anchor away again, without that question. What was withdrawn is placed anew, not rolled back.
options:
  policy:
    description: The crypto-agility policy (YAML) whose windows and freezes hold, or the name of a shipped baseline, which has none.
    type: str
    default: hybrid-transition@1
  anchor:
    description: PEM file on the controller with the one root certificate.
    type: path
  anchor_state:
    description: Whether hosts are to trust it.
    type: str
    choices: [present, absent]
    default: present
  campaign:
    description: A name under which the change can be undone. The name of the run when absent.
    type: str
  force:
    description: Withdraw it whoever may still need it.
    type: bool
    default: false
  confirm_timeout:
    description: Seconds until the host goes back by itself when no proof arrives.
    type: int
    default: 120
  output:
    description: The results folder on the controller, as for the other modules.
    type: path
notes:
  - The host needs C(openssl) besides what every host needs.
extends_documentation_fragment:
  - quantumsafe.agility.agility.variables
  - quantumsafe.agility.agility.host
  - quantumsafe.agility.agility.window
"""

EXAMPLES = r"""
- name: Trust the ML-DSA root before anything is served that ends there
  quantumsafe.agility.crypto_anchor:
    anchor: /srv/authority/ml-dsa-65-root/root.crt
    campaign: anchors-2027
  become: true
"""

RETURN = r"""
agility_output:
  description: The results folder of this run.
  returned: always
  type: str
  sample: agility-results/20261123T014502-4711
status:
  description: What became of this host, see the result file.
  returned: always
  type: str
  sample: changed
agility_window_until:
  description: When the change window closes in which the host was changed, in UTC or the policy's time zone, as ISO 8601.
  returned: when the host has a window, and it was open
  type: str
  sample: "2026-12-05T04:00:00+01:00"
transaction:
  description: The id of the transaction; empty when nothing was due.
  returned: always
  type: str
  sample: anchors-2027-3f9a1c
"""
