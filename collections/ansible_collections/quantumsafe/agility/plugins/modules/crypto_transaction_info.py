#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_transaction_info); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_transaction_info
short_description: List the crypto-agility transactions of a host
version_added: 0.1.0
description:
  - Shows every transaction that a host remembers, open ones first, with state, deadline, age, paths and who started it.
extends_documentation_fragment:
  - quantumsafe.agility.agility
  - quantumsafe.agility.agility.info
"""

EXAMPLES = r"""
- name: What is open?
  quantumsafe.agility.crypto_transaction_info:
  register: transactions
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
transactions:
  description:
    - One entry for each transaction, with its journal and files.
    - C(left) is in seconds until the host reverts by itself, C(age) in seconds since its last step, C(size) in KiB on the host.
  returned: success
  type: list
  elements: dict
  sample: [{id: spring-2027-3f9a1c, state: CLEANED, left: 0, age: 86400, size: 24}]
"""
