#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_host_key); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_host_key
short_description: Replace the host keys of sshd with an overlap, certify them, revoke keys of users
version_added: 0.1.0
description:
  - Makes new host keys on the host, beside the old ones; their private halves never leave it. sshd announces them to its clients, and this
    controller writes them into its own known_hosts.
  - When they have been offered for O(overlap) days, a second run removes the old ones. It is refused while this controller would not know the
    host any more.
  - Signs host keys with an SSH certificate authority on the controller, and distributes a list of revoked keys of users.
  - Each is a transaction. A login that accepts the new key alone proves it, or the host goes back by itself.
options:
  campaign:
    description: A name under which the change can be undone. The name of the run when absent.
    type: str
  host_keys:
    description:
      - Kinds of host keys, V(ED25519), V(ECDSA-P256), V(ECDSA-P384), V(ECDSA-P521), V(RSA-3072), V(RSA-4096) or V(MLDSA44-ED25519).
      - Keys of other kinds go at the end of the overlap. When empty each key of today gets a successor of its kind.
    type: list
    elements: str
    default: []
  phase:
    description:
      - V(due) makes keys that are due, and only where none is, removes those whose overlap is over.
      - V(expand) never removes one; V(contract) makes none, and removes what has a successor at once; V(keep) does neither.
    type: str
    choices: [due, expand, contract, keep]
    default: due
  overlap:
    description: Days that old and new keys are offered together.
    type: int
    default: 14
  max_age:
    description: Days after which a key that was made by a rotation is due again. Keys of other origin always are.
    type: int
    default: 365
  known_hosts:
    description: The file on the controller that learns the new keys. The first that the connection itself uses when absent.
    type: path
  ssh_authority:
    description:
      - The private key of an SSH certificate authority on the controller. Host keys that have no certificate of it get one.
      - A public key (V(.pub)) when the private one is in ssh-agent or on a token.
    type: path
  ssh_authority_provider:
    description: The PKCS#11 library of the token that holds its key.
    type: path
  names:
    description: Names that host certificates are for. Those of the inventory when empty.
    type: list
    elements: str
    default: []
  days:
    description: Days that a new host certificate is good for.
    type: int
    default: 47
  renew_before:
    description: Days before its end from which a host certificate is due.
    type: int
    default: 16
  revoked_keys:
    description:
      - A list of revoked keys of users (KRL, C(ssh-keygen -k)) on the controller, which sshd there shall heed.
      - One that cannot be read, or that revokes the controller's own key, is refused.
    type: path
  confirm_timeout:
    description: Seconds until the host goes back by itself when no proof arrives.
    type: int
    default: 120
  out_of_band:
    description: How one gets in without ssh. Old host keys are only removed where this is said.
    type: str
  ssh_batch_limit:
    description: Percentage of all hosts of the play that may lose old host keys in one campaign.
    type: int
    default: 25
extends_documentation_fragment:
  - quantumsafe.agility.agility
  - quantumsafe.agility.agility.host
  - quantumsafe.agility.agility.window
"""

EXAMPLES = r"""
- name: New host keys beside the old ones
  quantumsafe.agility.crypto_host_key:
    campaign: keys-2027

- name: Only Ed25519, certified, and the old keys go after four weeks
  quantumsafe.agility.crypto_host_key:
    host_keys: [ED25519]
    overlap: 28
    ssh_authority: /srv/authority/ssh_host_ca
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
  sample: changed
agility_window_until:
  description: When the change window closes in which the host was changed, in UTC or the policy's time zone, as ISO 8601.
  returned: when the host has a window, and it was open
  type: str
  sample: "2026-12-05T04:00:00+01:00"
transaction:
  description: The id of the transaction; empty when nothing was due on the host.
  returned: always
  type: str
  sample: keys-2027-3f9a1c
known_hosts:
  description: The lines that this controller's known_hosts got, or lacks.
  returned: always
  type: list
  elements: str
  sample: ["10.91.0.11 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA..."]
"""
