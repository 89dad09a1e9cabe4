#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_report); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_report
short_description: Rebuild the summary of a results folder
version_added: 0.1.0
description:
  - Rebuilds C(summary.json) and C(inventory.csv) from the files in C(hosts/) of a results folder.
options:
  output:
    description: The results folder.
    type: path
    required: true
  slices:
    description:
      - Results folders of runs that looked at a part of the fleet each. Their hosts are copied into O(output), and the report is that of one
        run over all of them. Of a host that is in several the one that was looked at last counts.
    type: list
    elements: path
    default: []
author:
  - quantumsafe.agility contributors (@quantumsafe)
extends_documentation_fragment:
  - quantumsafe.agility.agility.controller
attributes:
  check_mode:
    description: Says whether a file would change and writes none. The summary is empty while there are slices that would come in.
    support: full
"""

EXAMPLES = r"""
- name: Rebuild the summary
  quantumsafe.agility.crypto_report:
    output: agility-results/20261123T014502-4711
  delegate_to: localhost

- name: One report of an audit that was run in two slices
  quantumsafe.agility.crypto_report:
    output: agility-results/monday
    slices: [agility-results/monday-1, agility-results/monday-2]
  delegate_to: localhost
"""

RETURN = r"""
summary:
  description: The content of C(summary.json).
  returned: success
  type: dict
  sample: {hosts: 5, done: 5}
agility_output:
  description: The results folder.
  returned: success
  type: str
  sample: agility-results/20261123T014502-4711
"""
