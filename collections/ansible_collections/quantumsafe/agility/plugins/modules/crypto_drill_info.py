#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_drill_info); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_drill_info
short_description: Say what it would mean to retire an algorithm today, or what it meant
version_added: 0.1.0
description:
  - Reads the plans in the results folder that were made under the policy with the retirement, and says which hosts would be changed, which
    endpoints would lose what they have (no algorithm left that they can use, or none that is quantum-safe), and why.
  - Verdicts count that are another with the retirement. What the policy says already without it is told apart.
  - With O(since) it says whether the retirement is complete, and how long it took; it fails when something is left.
  - Runs on the controller and touches no host. The playbook C(quantumsafe.agility.drill) uses it.
options:
  retire:
    description: Algorithms, as M(quantumsafe.agility.crypto_policy_info) takes them.
    type: list
    elements: str
    required: true
  earlier:
    description: Results folders of runs that changed hosts. Their rate, batches and forks included, gives the estimated time.
    type: list
    elements: path
    default: []
  since:
    description: When the policy was changed, in ISO 8601 with its time zone. The results folder then holds what C(enforce) did.
    type: str
extends_documentation_fragment:
  - quantumsafe.agility.agility
  - quantumsafe.agility.agility.info
"""

EXAMPLES = r"""
- name: Derive the policy without an algorithm
  quantumsafe.agility.crypto_policy_info:
    policy: policies/enterprise.yml
    retire: [sntrup761]
    resolve: true
  run_once: true
  register: derived

- name: Plan under it
  quantumsafe.agility.crypto_plan_info:
    policy: "{{ derived.resolved }}"

- name: Say what it would mean
  quantumsafe.agility.crypto_drill_info:
    policy: policies/enterprise.yml
    retire: [sntrup761]
    earlier: [agility-results/monday]
  run_once: true
"""

RETURN = r"""
agility_output:
  description: The results folder of this run.
  returned: success
  type: str
  sample: agility-results/20261123T014502-4711
report:
  description: The answer in sentences.
  returned: success
  type: list
  elements: str
  sample: ["verdicts change on 3 of 5 hosts; 2 of these would be changed", "breaks: 1 pq-regression; stays in use: 0"]
complaints:
  description: Files of the results folder that could not be read.
  returned: success
  type: list
  elements: str
  sample: []
hosts:
  description: How many hosts were planned, or enforced.
  returned: success
  type: int
  sample: 5
touched:
  description: Hosts of which a verdict is another with the retirement.
  returned: without O(since)
  type: list
  elements: str
  sample: [web-1]
would_change:
  description: Those of them that would be changed.
  returned: without O(since)
  type: list
  elements: str
  sample: [web-1]
would_change_anyway:
  description: Hosts that the policy changes without the retirement, too.
  returned: without O(since)
  type: list
  elements: str
  sample: []
breaks:
  description: Endpoints that would lose what they have, with the state, the reason and the remedy.
  returned: without O(since)
  type: list
  elements: dict
  sample: [{host: web-2, endpoint: sshd, aspect: key_exchange, state: pq-regression, message: …, remedy: ""}]
stays:
  description: Where it stays in use, since the policy only observes that aspect there.
  returned: without O(since)
  type: list
  elements: dict
  sample: []
not_planned:
  description: Hosts that were not reached, or for which no plan could be made, and why.
  returned: without O(since)
  type: list
  elements: dict
  sample: []
measured_hosts:
  description: How many hosts the estimate stands on.
  returned: without O(since)
  type: int
  sample: 30
seconds:
  description: The estimated time, none without a rate; with O(since) the time from the change of the policy to this answer.
  returned: success
  type: float
  sample: 94.5
changed_hosts:
  description: Hosts that were changed.
  returned: with O(since)
  type: list
  elements: str
  sample: [web-1]
proved:
  description: How many endpoints a live handshake proved.
  returned: with O(since)
  type: int
  sample: 4
left:
  description: What is not as the retirement wants it.
  returned: with O(since)
  type: list
  elements: str
  sample: []
"""
