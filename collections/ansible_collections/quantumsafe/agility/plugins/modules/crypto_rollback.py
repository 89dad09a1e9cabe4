#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_rollback); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_rollback
short_description: Undo a confirmed crypto-agility change, or resolve an open one
version_added: 0.1.0
description:
  - Restores the bytes, owner and mode of every file that a transaction changed, as a transaction of its own with the same guarantee.
  - Refuses, naming the file, when somebody changed a file, its owner or its mode since, unless O(force) is set.
  - Refuses a host, with the code V(replaced), that a campaign changed as its state beside the results tells, and that knows nothing of the change
    or is another machine by now, unless O(force) is set.
  - Configuration that cannot be parsed does not stop it; the daemon's own check must accept what is restored.
  - A network device keeps no journal of ours. What was changed there is remembered on the controller, beside the results, and put back as lists.
options:
  campaign:
    description:
      - Undo what this campaign did on the host. A host that took no part is skipped and says so (RV(known)); the role and the playbook
        C(rollback) fail when no host of the play knows the campaign.
    type: str
  transaction:
    description: Undo this transaction. Exactly one of O(campaign), O(transaction) and O(before) is named.
    type: str
  before:
    description:
      - Undo every confirmed transaction since this moment that was not undone yet, newest first, as one transaction. A date and time with a time
        zone, e.g. V(2027-01-10T01:30:00Z).
      - The host says how long ago each of them ended, so its clock need not be right. What was undone since then stays undone.
    type: str
  recover:
    description:
      - Instead, resolve open transactions. Those past their deadline or of another boot are reverted; others are left alone.
      - Of a network device, end what a controller that was killed has left there. What it had proved is confirmed and saved, all else is taken back;
        what is not known to be ours is left alone.
    type: bool
    default: false
  keep_days:
    description:
      - With O(recover), forget finished transactions that are older than this many days. Old keys among their files are shredded,
        and those that they took out of use and left in their places, if they are the same still and nothing names them (docs/certificates.md).
      - What is forgotten cannot be rolled back any more. Open and failed transactions are never forgotten. Without it nothing is.
    type: int
  keep:
    description: How many of the newest finished transactions O(keep_days) leaves, however old they are.
    type: int
    default: 3
  adopt:
    description:
      - With O(recover), take what another machine left pending on this disk for this machine's own, and revert it. For a clone, or a restored
        backup, of a host that was in the middle of a change.
    type: bool
    default: false
  force:
    description: Restore also over changes that somebody made since.
    type: bool
    default: false
  confirm_timeout:
    description: Seconds until the rollback itself is undone when no proof arrives.
    type: int
    default: 120
extends_documentation_fragment:
  - quantumsafe.agility.agility
  - quantumsafe.agility.agility.host
"""

EXAMPLES = r"""
- name: Take the campaign back
  quantumsafe.agility.crypto_rollback:
    campaign: spring-2027

- name: As it was before the night
  quantumsafe.agility.crypto_rollback:
    before: "2027-01-09T22:00:00+01:00"

- name: Resolve what is open, and forget what nobody will roll back any more
  quantumsafe.agility.crypto_rollback:
    recover: true
    keep_days: 90
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
known:
  description: Whether this host took part in O(campaign), undone or not.
  returned: unless recover is set
  type: bool
  sample: true
campaigns:
  description: The campaigns that this host remembers.
  returned: unless recover is set
  type: list
  elements: str
  sample: [spring-2027]
resolved:
  description: Open transactions that O(recover) brought to their end, or would.
  returned: when recover is set
  type: list
  elements: str
  sample: [spring-2027-3f9a1c]
forgotten:
  description: Finished transactions that O(keep_days) forgot, or would.
  returned: when recover is set
  type: list
  elements: str
  sample: []
shredded:
  description: Keys that lay in their places since a transaction which is forgotten took them out of use, and that are shredded now.
  returned: when recover is set
  type: list
  elements: str
  sample: [/etc/nginx/tls/server.key]
code:
  description: What stopped the host, in one word, e.g. V(pending), V(changed), V(validate), V(disk-full); empty when it was not the host.
  returned: failure
  type: str
  sample: pending
transaction:
  description: The id of the rollback's own transaction; empty when there was nothing to undo.
  returned: always
  type: str
  sample: spring-2027-3f9a1c-undo-88d1
"""
