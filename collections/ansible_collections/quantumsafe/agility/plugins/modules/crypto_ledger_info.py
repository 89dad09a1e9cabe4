#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_ledger_info); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_ledger_info
short_description: Verify the ledger of crypto-agility changes, and ask it who changed what
version_added: 0.1.0
description:
  - Reads one ledger, or the ledgers of several controllers and slices, and finds a changed byte, and an entry, an end or a whole run that is gone,
    added, moved or repeated. It fails when there is one, and names it.
  - Answers who changed what, when, why, under which policy, proved how, undone when. Only chains that are whole answer.
  - Works on the controller alone and writes nothing.
options:
  paths:
    description:
      - Folders that hold a ledger, or single chains (C(.jsonl), with their C(.head) beside them). They are read as one; copies count once.
    type: list
    elements: path
    default: [agility-results/ledger]
  public_keys:
    description:
      - PEM files of the public keys whose signatures count, from a place that the controller's users cannot write to.
      - Of each algorithm that a key is given of, every chain must bear a signature. Without any no signature is checked, which RV(notes) says.
    type: list
    elements: path
    default: []
  expected_head:
    description:
      - Heads that were kept elsewhere, such as those that a run prints at its end. Each must be an entry of the ledger.
      - This alone shows that the whole folder was put back to an older day.
    type: list
    elements: str
    default: []
  host:
    description: Only what concerns this host.
    type: str
    default: ''
  endpoint:
    description: Only what concerns this endpoint, as results name it.
    type: str
    default: ''
  campaign:
    description: Only what this campaign did.
    type: str
    default: ''
  event:
    description:
      - Only entries of this event, V(audit), V(inventory), V(plan), V(apply), V(confirm), V(revert), V(refuse), V(fail), V(rollback), V(recover),
        V(wait) or V(nothing); of a decision, V(approve), V(pause), V(resume), V(abort), or of the waves of a campaign, V(breach), V(take-back),
        V(hold) or V(resume); or that tell of a key or certificate that was V(founded), V(issued), V(installed), V(retired), V(shredded),
        V(removed), V(trusted) or V(withdrawn).
    type: str
    default: ''
  since:
    description: Only from this moment (UTC) on, as YYYY-MM-DDTHH:MM:SSZ or its beginning.
    type: str
    default: ''
  until:
    description: Only until this moment, likewise; a day counts whole.
    type: str
    default: ''
author:
  - quantumsafe.agility contributors (@quantumsafe)
extends_documentation_fragment:
  - quantumsafe.agility.agility.controller
"""

EXAMPLES = r"""
- name: Is the ledger whole, and what became of the campaign?
  quantumsafe.agility.crypto_ledger_info:
    public_keys: [/media/auditor/ed25519.pub, /media/auditor/ml-dsa-65.pub]
    expected_head: ["{{ lookup('ansible.builtin.file', '/media/auditor/head-of-october') }}"]
    campaign: spring-2027
  delegate_to: localhost
  run_once: true
  register: ledger

- name: Which old keys were shredded this year?
  quantumsafe.agility.crypto_ledger_info:
    paths: [slice-1/ledger, slice-2/ledger]
    event: shredded
    since: "2027"
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
whole:
  description: Whether nothing is wrong.
  returned: always
  type: bool
  sample: true
faults:
  description: Each chain, and the first entry of it that cannot be relied on; 0 is its head.
  returned: always
  type: list
  elements: dict
  sample: [{chain: 20270110T014502-4711-a1b2c3, entry: 7, what: it is not what entry 8 says it was}]
notes:
  description: What a crash left, and what could not be checked. No accusation.
  returned: always
  type: list
  elements: str
  sample: []
chains:
  description: Every run, with the digest of its last entry.
  returned: success
  type: list
  elements: dict
  sample: [{chain: 20270110T014502-4711-a1b2c3, entries: 12, head: 9f86d081…, whole: true, signed: [Ed25519, ML-DSA-65]}]
entries:
  description: The entries that were asked for, by time.
  returned: success
  type: list
  elements: dict
  sample: [{event: confirm, host: web-new, transaction: spring-2027-3f9a1c}]
changes:
  description: A dictionary a change with C(who), C(what), C(when), C(why), C(policy), C(proved), C(undone) and what became of it, C(result).
  returned: success
  type: list
  elements: dict
  sample: [{host: web-new, transaction: spring-2027-3f9a1c, result: changed, undone: ''}]
decisions:
  description: A line for each decision about a campaign or a plan, whether a person's or that of its waves.
  returned: success
  type: list
  elements: str
  sample: ["2027-01-10T01:44:11Z  BREACH  spring-2027, wave 2: /usr/local/bin/check-shop: it ended with 1 (ansible@controller-1)"]
report:
  description: Decisions and changes as lines for a person.
  returned: success
  type: list
  elements: str
  sample: ["web-new  spring-2027-3f9a1c  CHANGED"]
"""
