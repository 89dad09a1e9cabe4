#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_enforce); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_enforce
short_description: Apply a crypto-agility policy to a host as a transaction, and prove it live
version_added: 0.1.0
description:
  - Applies the plan that M(quantumsafe.agility.crypto_plan_info) left in O(output), or plans first when there is none.
  - The host arms its own way back before the first file is swapped. Unless the controller proves the change over new connections and
    confirms it in time, the host goes back to what it was by itself, also without network, controller or power.
  - Fails when the change was reverted, and says why. The final state is read back from the host.
options:
  campaign:
    description: The campaign that this change belongs to; C(rollback) takes it. The run's name when absent.
    type: str
  plan:
    description:
      - A saved plan (C(plan.json), or its folder) that is applied, exactly. Refused, before a host is touched, are a signature that is not good,
        another policy, a host that is not in the plan, another machine under its name, and a host whose files changed since.
      - A results folder without C(plan.json) is taken, too; nobody has signed it.
    type: path
  confirm_timeout:
    description: Seconds until the host reverts by itself when no proof arrives.
    type: int
    default: 120
  out_of_band:
    description:
      - How you get into this host without ssh, in your own words, e.g. C(console server 3 port 14). It is not used, only asked for.
      - Without it a change that closes part of ssh is refused where ssh is how this run comes in.
    type: str
  ssh_batch_limit:
    description:
      - Per cent of the hosts of the play whose SSH this batch may tighten, together with what the campaign tightened before. Above it
        the run is refused, since the same mistake would lock you out of all of them. Set it higher to acknowledge, V(100) for all.
    type: int
    default: 25
extends_documentation_fragment:
  - quantumsafe.agility.agility
  - quantumsafe.agility.agility.saved
  - quantumsafe.agility.agility.host
  - quantumsafe.agility.agility.window
"""

EXAMPLES = r"""
- name: Make the policy true on this host
  quantumsafe.agility.crypto_enforce:
    policy: policies/default.yml
    campaign: spring-2027
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
  sample: ok
code:
  description: What stopped the host, in one word, e.g. V(pending), V(changed), V(validate), V(disk-full); empty when it was not the host.
  returned: failure
  type: str
  sample: pending
agility_window_until:
  description: When the change window closes in which the host was changed, in UTC or the policy's time zone, as ISO 8601.
  returned: when the host has a window, and it was open
  type: str
  sample: "2026-12-05T04:00:00+01:00"
transaction:
  description: The id of the transaction on the host; empty when there was nothing to do.
  returned: always
  type: str
  sample: spring-2027-3f9a1c
"""
