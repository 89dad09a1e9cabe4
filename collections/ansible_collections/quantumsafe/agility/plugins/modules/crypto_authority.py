#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_authority); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_authority
short_description: Found certificate authorities on the controller, classical and ML-DSA side by side
version_added: 0.1.0
description:
  - Makes a root and an issuing authority (path length 0) for each kind of key, for labs and small sites.
  - Works on the controller alone; no host is asked anything.
  - What is there is opened and left as it is. Nothing is ever written over.
  - An issuing authority whose folder was moved away is made anew below the root that is there.
options:
  authority:
    description:
      - Folder on the controller; each kind gets a folder in it, with C(ca.crt) and C(ca.key).
      - It is what O(quantumsafe.agility.crypto_certificate#module:authority) takes.
    type: path
    required: true
  authority_root:
    description: Folder for the roots and their keys, such as a medium that is put away afterwards. O(authority) when absent.
    type: path
  authority_kinds:
    description: Kinds of keys, such as V(ECDSA-P384), V(RSA-3072) or V(ML-DSA-87), a hierarchy for each.
    type: list
    elements: str
    default: [ECDSA-P384, ML-DSA-65]
  authority_name:
    description: What the common names begin with.
    type: str
    default: Local
  authority_password:
    description: Encrypts the keys (PKCS 8 with scrypt and AES-256). They lie there in the clear when absent.
    type: str
  authority_days:
    description: Days that a root is good for; what issues below it is good for half as long.
    type: int
    default: 3650
requirements:
  - On the controller the Python package cryptography; for ML-DSA a version that knows it, 50 does.
extends_documentation_fragment:
  - quantumsafe.agility.agility.variables
attributes:
  check_mode:
    description: Can run in check mode and predict what a run would do.
    support: full
  diff_mode:
    description: Shows which folders would be made.
    support: full
  platform:
    description: The controller.
    support: full
    platforms: posix
"""

EXAMPLES = r"""
- name: Found a classical and an ML-DSA authority, the roots on a medium that is put away
  quantumsafe.agility.crypto_authority:
    authority: /srv/authority
    authority_root: /media/vault/roots
    authority_name: Example
    authority_password: "{{ lookup('ansible.builtin.env', 'AUTHORITY_PASSWORD') }}"
"""

RETURN = r"""
authority:
  description: The folder of the authorities.
  returned: success
  type: str
  sample: /srv/authority
made:
  description: The folders that were made, or would be.
  returned: success
  type: list
  elements: str
  sample: [/media/vault/roots/ml-dsa-65-root, /srv/authority/ml-dsa-65]
"""
