#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_campaign); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_campaign
short_description: Pause, resume or abort a crypto-agility campaign, or tell where it is
version_added: 0.1.0
description:
  - Writes one small file beside the results, which every run of the campaign reads right before it changes a host. It works from another
    terminal while the campaign runs, and contacts no host.
  - A host whose change was begun ends it, one way or the other. The others are left alone, with the status C(paused), or C(refused) after an
    abort. Rollback and recover are never held up.
  - It must run where the campaign runs, in the same working directory or with an O(output) in the same folder. A campaign that was never begun
    there is a failure.
options:
  campaign:
    description: The campaign; for one without a name the name of its run.
    type: str
    required: true
  verb:
    description:
      - V(status) only looks. V(pause) and V(resume) hold it and let it go on, by a new run of the same playbook.
      - V(abort) closes it for good; it does not roll back.
    type: str
    choices: [status, pause, resume, abort]
    default: status
  reason:
    description: Why; everybody who is held up is told, and so is the ledger.
    type: str
    default: ''
  output:
    description: A results folder of the campaign, or any other beside it. C(agility-results/<run>) under the working directory when absent.
    type: path
extends_documentation_fragment:
  - quantumsafe.agility.agility.variables
  - quantumsafe.agility.agility.controller
attributes:
  check_mode:
    description: Can run in check mode and predict what a run would do.
    support: full
"""

EXAMPLES = r"""
- name: Stop now
  quantumsafe.agility.crypto_campaign:
    campaign: spring-2027
    verb: pause
    reason: the pager goes off
  run_once: true

- name: Where are we?
  quantumsafe.agility.crypto_campaign:
    campaign: spring-2027
  run_once: true
  register: campaign
"""

RETURN = r"""
state:
  description: V(open), V(paused) or V(aborted).
  returned: success
  type: str
  sample: paused
standing:
  description: C(state), C(by), C(at) and C(reason) of a campaign that is held; empty when it goes on.
  returned: success
  type: dict
  sample: {state: paused, by: night@ctl1, at: "2027-01-10T01:45:02Z", reason: the pager goes off}
hosts:
  description:
    - Every host of the play, and every other that the campaign came to, with the C(status) of its last change, C(at), C(transaction) and
      C(wave), its number where the campaign has waves.
    - V(not yet) is a host that it did not come to, V(not planned) one that could not be planned.
  returned: success
  type: list
  elements: dict
  sample: [{host: web-new, status: changed, at: "2027-01-10T01:45:02Z", transaction: spring-2027-3f9a1c, wave: "1"}]
outstanding:
  description:
    - Hosts that are not in the promised state, changed and proved or needing nothing; after an abort, hosts that are not as they were before.
    - The playbook C(campaign) fails when it is asked for the status and there are any.
  returned: success
  type: list
  elements: str
  sample: [web-old]
report:
  description: The same as lines for a person.
  returned: success
  type: list
  elements: str
  sample: ["campaign spring-2027: it goes on", "2 hosts: 1 done, 1 not yet"]
"""
