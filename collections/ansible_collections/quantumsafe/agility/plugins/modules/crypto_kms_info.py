#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_kms_info); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_kms_info
short_description: List the keys of a key management service and what a quantum computer means for each
version_added: 0.1.0
description:
  - Reads the keys of a transit engine of HashiCorp Vault or OpenBao, name by name, and the policies that grant their use.
  - It lists and reads. It never makes, rotates, exports or uses a key, and no answer holds one.
  - Works on the controller alone; no host is asked anything.
options:
  kms_url:
    description: The engine, such as V(https://vault.example:8200/v1/transit). Nothing is sent in the clear.
    type: str
    required: true
  kms_token:
    description:
      - A token that may C(list) MOUNT/keys and C(read) MOUNT/keys/*.
      - With C(list) and C(read) on sys/policies/acl the users of each key are known, too.
    type: str
    required: true
  kms_ca:
    description: PEM file of those who may vouch for the server. The controller's own store when absent.
    type: path
extends_documentation_fragment:
  - quantumsafe.agility.agility.variables
  - quantumsafe.agility.agility.controller
"""

EXAMPLES = r"""
- name: What is in the key management service?
  quantumsafe.agility.crypto_kms_info:
    kms_url: https://vault.example:8200/v1/transit
    kms_token: "{{ lookup('ansible.builtin.env', 'VAULT_TOKEN') }}"
  register: kms
  delegate_to: localhost
  run_once: true

- name: Nothing that encrypts may fall to a quantum computer
  ansible.builtin.assert:
    that: kms['keys'] | selectattr('quantum', 'eq', 'vulnerable') | selectattr('uses', 'contains', 'encrypt') | length == 0
"""

RETURN = r"""
keys:
  description: Each key of the engine.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: What the service calls it., type: str, sample: payments}
    kind: {description: "Its kind, as policies name it.", type: str, sample: RSA-3072}
    quantum: {description: "What a quantum computer means for it: V(safe), V(vulnerable), V(symmetric) or V(unknown).", type: str, sample: vulnerable}
    uses: {description: "V(encrypt), V(sign).", type: list, elements: str, sample: [encrypt, sign]}
    versions: {description: How many versions it has., type: int, sample: 3}
    made: {description: "The day of the newest; empty when the service does not say.", type: str, sample: "2026-01-31"}
    age: {description: Days since., type: int, sample: 300}
    rotates: {description: "Days after which the service renews it; 0 = it does not.", type: int, sample: 90}
    loose: {description: Whether it can be taken out in the clear., type: bool, sample: false}
    deletable: {description: Whether it may be deleted., type: bool, sample: false}
    users: {description: "Policies that grant its use; null when the token may not see them.", type: list, elements: str, sample: [payments-app]}
    remarks: {description: Sentences for a person., type: list, elements: str, sample: [it can be taken out in the clear]}
report:
  description: The same as lines of a table.
  returned: success
  type: list
  elements: str
  sample: ["KEY  KIND  QUANTUM"]
"""
