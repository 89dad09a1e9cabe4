#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_audit_info); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_audit_info
short_description: Audit the TLS and SSH configuration of a host against a crypto-agility policy
version_added: 0.1.0
description:
  - Looks at a host in one round trip, reads what its daemons really use, and judges every aspect against the policy.
  - Nothing on the host is changed, nothing is installed there, and no Python is needed there.
options:
  root:
    description:
      - Audit offline, without any connection. A folder that stands for the root of a host (an unpacked image, a backup that holds C(etc/)),
        a snapshot that an earlier run saved, the saved configuration of a network device (Cisco IOS, IOS-XE or ASA, Juniper Junos, VyOS,
        Fortinet FortiOS, Arista EOS, PAN-OS, RouterOS, F5 BIG-IP), or a folder with such a file for each host, called like the host (with or without
        .cfg, .conf, .config, .txt, .set, .boot, .rsc, .scf or .xml).
    type: path
  save_snapshot:
    description: Keep what the host showed (redacted) as C(snapshots/<host>.json) in O(output), to replay the audit later through O(root).
    type: bool
    default: false
extends_documentation_fragment:
  - quantumsafe.agility.agility
  - quantumsafe.agility.agility.info
"""

EXAMPLES = r"""
- name: What would fail in 2031?
  quantumsafe.agility.crypto_audit_info:
    policy: policies/default.yml
    as_of: "2031-01-01"
  register: audit

- name: Audit an unpacked image, offline
  quantumsafe.agility.crypto_audit_info:
    root: /srv/images/edge-42/rootfs
  delegate_to: localhost
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
findings:
  description: One entry for each endpoint, aspect and rule.  They are in the host's result file, too.
  returned: when the task has a C(register)
  type: list
  elements: dict
  sample:
    - endpoint: sshd
      aspect: key_exchange
      state: missing
      rule: kex-ssh
      origin: /etc/ssh/sshd_config.d/50-hardening.conf:4
rounds:
  description: Round trips that the audit took.
  returned: success
  type: int
  sample: 1
"""
