#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_plan_info); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_plan_info
short_description: Plan the smallest change that satisfies a crypto-agility policy on a host
version_added: 0.1.0
description:
  - Audits a host like M(quantumsafe.agility.crypto_audit_info) and works out the line edits that satisfy the policy there.
  - The plan names each file with the SHA-256 that it expects, holds no secrets, and is written to the result file of the host.
  - Refuses what would take quantum safety from a class of peers, and what would lock the controller itself out of SSH.
extends_documentation_fragment:
  - quantumsafe.agility.agility
  - quantumsafe.agility.agility.saved
  - quantumsafe.agility.agility.info
options:
  campaign:
    description: The campaign that this plan belongs to. The run's name when absent.
    type: str
  plan:
    description: A saved plan (C(plan.json), or its folder) that is taken as it is; the host is not looked at again.
    type: path
  out_of_band:
    description: How you get into this host without ssh, in your own words. It silences the warning that ssh is the only way in that is known.
    type: str
"""

EXAMPLES = r"""
- name: Show what enforce would do
  quantumsafe.agility.crypto_plan_info:
    policy: policies/default.yml
  register: plan
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
reasons:
  description: One sentence for each aspect that would change.
  returned: success
  type: list
  elements: str
  sample: ["sshd: key_exchange → mlkem768x25519-sha256, curve25519-sha256 (kex-ssh, prefer)"]
warnings:
  description: What to know before it is applied, e.g. files that another tool manages, or that ssh is the only way in.
  returned: success
  type: list
  elements: str
  sample: ["/etc/ssh/sshd_config says that Puppet manages it: change it there too, or its next run undoes this"]
"""
