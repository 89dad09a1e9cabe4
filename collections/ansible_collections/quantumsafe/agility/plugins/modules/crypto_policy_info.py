#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_policy_info); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_policy_info
short_description: Check and compile a crypto-agility policy
version_added: 0.1.0
description:
  - Reads a policy with all that it extends, reports every error with file and line, and leaves the compiled policy in the results folder,
    where the other modules find it.
  - Runs on the controller and touches no host.
extends_documentation_fragment:
  - quantumsafe.agility.agility
  - quantumsafe.agility.agility.info
"""

EXAMPLES = r"""
- name: Is the policy sound?
  quantumsafe.agility.crypto_policy_info:
    policy: policies/default.yml
"""

RETURN = r"""
policy:
  description: Name, version and digest of the policy and the ids of its rules.
  returned: success
  type: dict
  sample: {name: hybrid-transition, version: "1", digest: 4be1…, rules: [kex-tls, kex-ssh]}
as_of:
  description: The date on which it will be judged.
  returned: success
  type: str
  sample: "2026-11-23"
agility_output:
  description: The results folder of this run.
  returned: always
  type: str
  sample: agility-results/20261123T014502-4711
"""
