#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_certificate); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_certificate
short_description: Replace certificates that are due, and prove what clients are served
version_added: 0.1.0
description:
  - Finds where the services of a host name their certificates, and replaces those that are missing, expired, about to expire, or not of the
    kinds of keys or names that are asked for.
  - Private keys are made on the host and never leave it; a local certificate authority on the controller signs their requests.
  - New certificates and keys are put beside the old ones and the references are switched, as a transaction. Each kind of client is then
    seen to be served the new certificate of its kind, or the host goes back by itself.
  - With several O(keys) a service serves one certificate of each kind, so that classical and post-quantum clients are both served.
  - The old files stay where they are, and C(rollback) brings the old references back.
options:
  campaign:
    description: A name under which the change can be undone. The name of the run when absent.
    type: str
  keys:
    description:
      - Kinds of keys, one certificate for each, such as V(ECDSA-P256), V(RSA-3072) or V(ML-DSA-65). Those of today when empty.
      - A service with an ML-DSA certificate alone cuts off every client that does not know ML-DSA.
    type: list
    elements: str
    default: []
  names:
    description: Host names and addresses that the certificates are for. Those of the old certificate when empty.
    type: list
    elements: str
    default: []
  days:
    description: Days that a new certificate is good for.
    type: int
    default: 47
  renew_before:
    description: Days before its end from which a certificate is due.
    type: int
    default: 16
  authority:
    description: Folder on the controller with C(ca.crt), the issuing certificate first, and C(ca.key).
    type: path
  authority_password:
    description: Password of C(ca.key), when it is encrypted.
    type: str
  confirm_timeout:
    description: Seconds until the host goes back by itself when no proof arrives.
    type: int
    default: 120
extends_documentation_fragment:
  - quantumsafe.agility.agility
  - quantumsafe.agility.agility.host
"""

EXAMPLES = r"""
- name: Renew what ends within 16 days
  quantumsafe.agility.crypto_certificate:
    authority: /srv/authority

- name: Serve ML-DSA beside ECDSA
  quantumsafe.agility.crypto_certificate:
    authority: /srv/authority
    keys: [ECDSA-P256, ML-DSA-65]
    campaign: dual-2027
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
transaction:
  description: The id of the transaction; empty when nothing was due.
  returned: always
  type: str
  sample: dual-2027-3f9a1c
"""
