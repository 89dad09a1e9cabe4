#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_policy_info); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_policy_info
short_description: Check, test, explain, resolve and compare crypto-agility policies
version_added: 0.1.0
description:
  - Reads a policy with all that it extends, reports every error with file and line, and leaves the compiled policy in the results folder,
    where the other modules find it.
  - Says which exceptions have expired, which overrides loosen something, and which partners are late.
  - On request runs the tests of a policy, explains a verdict, writes the policy out as one file, and says which endpoints of a saved audit
    would get another verdict under another policy, on another day, or once an algorithm is retired.
  - Runs on the controller and touches no host.
options:
  tests:
    description:
      - Files with test cases. Each names the policy that it tests, endpoints, and the verdicts that are expected of them.
      - The task fails when one is not met.
    type: list
    elements: path
    default: []
  explain:
    description:
      - An inventory host. For each aspect the answer says which rule decides, what every rule says, and every date that bites.
      - With O(results) on the endpoints that were seen there.
    type: str
  resolve:
    description:
      - Write the policy with all that it extends as one file, C(policy.resolved.yml) in the results folder. It means the same.
      - With O(retire) it has those lines, from O(as_of) on, so that the retirement can be planned, or enforced.
    type: bool
    default: false
  results:
    description:
      - The results folder of a saved audit. Nothing is asked of any host again.
      - With it, exceptions that no finding needs are reported as unused.
    type: path
  compare:
    description: Another policy. Which endpoints of O(results) would get another verdict under it?
    type: str
  compare_as_of:
    description: Another day, as YYYY-MM-DD. What fails then?
    type: str
  retire:
    description: >-
      Algorithms by any of their names. What would change with the one line that retires each? Write C(NAME hybrids: any) for the line
      that takes along every hybrid with this part; a name that is only a part means that anyway.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - quantumsafe.agility.agility
  - quantumsafe.agility.agility.info
"""

EXAMPLES = r"""
- name: Is the policy sound, and does it say what its tests expect?
  quantumsafe.agility.crypto_policy_info:
    policy: policies/enterprise.yml
    tests: [policies/tests/enterprise.yml]

- name: Why does this host get this verdict?
  quantumsafe.agility.crypto_policy_info:
    policy: policies/enterprise.yml
    results: agility-results/monday
    explain: web-1

- name: What fails on the first day of 2031?
  quantumsafe.agility.crypto_policy_info:
    policy: policies/enterprise.yml
    results: agility-results/monday
    compare_as_of: "2031-01-01"

- name: Whom would it touch to retire sntrup761?
  quantumsafe.agility.crypto_policy_info:
    policy: policies/enterprise.yml
    results: agility-results/monday
    retire: [sntrup761]
"""

RETURN = r"""
policy:
  description: Name, version and digest of the policy and the ids of its rules.
  returned: success
  type: dict
  sample: {name: hybrid-transition, version: "1", digest: 4be1…, rules: [kex-tls, kex-ssh]}
as_of:
  description: The date on which it is judged.
  returned: success
  type: str
  sample: "2026-11-23"
agility_output:
  description: The results folder of this run.
  returned: success
  type: str
  sample: agility-results/20261123T014502-4711
report:
  description: Every answer in sentences.
  returned: success
  type: list
  elements: str
  sample: ["example-org 1: 8 rules, 2 stages, digest 4be1…"]
exceptions:
  description: Ids of exceptions, by C(expired), C(pending), and C(in_force), or with O(results) C(used) and C(unused).
  returned: success
  type: dict
  sample: {expired: [], pending: [], in_force: [EX-31]}
overrides:
  description: What loosens the policy, where, why, and who approved it.
  returned: success
  type: list
  elements: dict
  sample: [{id: enclave-cnsa, replace: [kex-tls], reason: mission, approver: ciso, origin: "policies/enterprise.yml:40"}]
peers_overdue:
  description: Partners and vendors whose promised day has passed.
  returned: success
  type: list
  elements: str
conflicts_ahead:
  description: Rules that allow nothing together from a day on, with that day.
  returned: success
  type: list
  elements: str
  sample: [acme]
tests:
  description: How many cases passed and failed, and a sentence for each expectation that is not met.
  returned: when O(tests) is given
  type: dict
  sample: {passed: 12, failed: 0, failures: []}
resolved:
  description: The file that holds the policy with all that it extends.
  returned: when O(resolve) is true
  type: str
  sample: agility-results/20261123T014502-4711/policy.resolved.yml
explanation:
  description: For each endpoint and aspect the stage, the rules with their sources, the verdict on each value, exceptions, and dates ahead.
  returned: when O(explain) is given
  type: list
  elements: dict
  sample: [{endpoint: sshd, aspects: {}}]
diff:
  description: How many verdicts change, the steps with their numbers, and a row for each change.
  returned: when O(compare), O(compare_as_of) or O(retire) is given
  type: dict
  sample: {changed: 12, worse: 12, hosts: 7, steps: {compliant → missing: 12}, rows: []}
complaints:
  description: Files of the saved audit that could not be read.
  returned: when O(results) is given
  type: list
  elements: str
  sample: []
"""
