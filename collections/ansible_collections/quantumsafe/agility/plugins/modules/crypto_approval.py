#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_approval); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_approval
short_description: Approve a saved crypto-agility plan until a moment
version_added: 0.1.0
description:
  - Writes a small record (who, which plan, when, until when) beside the plan, signed with the approver's own key, and enters it into the ledger.
  - M(quantumsafe.agility.crypto_enforce) demands one where O(quantumsafe.agility.crypto_enforce#module:approval_public_keys) names approvers.
  - Works on the controller alone.
options:
  plan:
    description: The C(plan.json). The approval is laid beside it.
    type: path
    required: true
  digest:
    description: SHA-256 of the plan that was read, as the plan playbook printed it. A file with another digest is not approved.
    type: str
    required: true
  approver:
    description: Who approves.
    type: str
    required: true
  until:
    description: The moment from which on it counts no more, in UTC, such as V(2027-03-02T06:00:00Z).
    type: str
    required: true
  keys:
    description:
      - Folder of the approver's keys, made when they are missing. Those that signed the plan do not count.
      - A file C(ed25519.uri) or C(ml-dsa-65.uri) in the place of the C(.key) names a key in a token (PKCS#11).
    type: path
    required: true
author:
  - quantumsafe.agility contributors (@quantumsafe)
extends_documentation_fragment:
  - quantumsafe.agility.agility.controller
attributes:
  check_mode:
    description: Checks the plan, and writes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Approve what was read
  quantumsafe.agility.crypto_approval:
    plan: agility-results/CHG-4711/plan.json
    digest: 288001c51644770e0a4b3b5024426d7a9966887a5fb27b39156b4f43126894a6
    approver: Alice
    until: "2027-03-02T06:00:00Z"
    keys: /home/alice/approver-keys
"""

RETURN = r"""
approval:
  description: The record; its signature lies beside it.
  returned: success
  type: str
  sample: agility-results/CHG-4711/approval-9f86d0818884.json
until:
  description: When it ends.
  returned: success
  type: str
  sample: "2027-03-02T06:00:00Z"
"""
