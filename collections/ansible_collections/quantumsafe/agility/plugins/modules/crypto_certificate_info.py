#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_certificate_info); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_certificate_info
short_description: List and judge the certificates, keys and trust anchors of a host
version_added: 0.1.0
description:
  - Lists certificates, chains, private keys, containers (PKCS#12, JKS), keys in tokens (PKCS#11 URIs), SSH keys and whose they trust, trust
    anchors, local authorities, and what renews them; each with owner, mode, users, issuer and end, and what belongs to nothing.
  - Judges them by the rules on C(certificate), C(signature) and C(private_key) of the policy.
  - Reads only, in one round trip more than an audit. Certificates come to the controller, private keys never do. The host itself says
    their kind, whether they are encrypted, and their public half.
  - With O(agent=installed) it fails, for that agent does not search for keys.
options:
  policy:
    description:
      - The crypto-agility policy (YAML), a path on the controller; relative paths count from the working directory.
      - The name of a shipped baseline such as V(certificates@1) works too.
    type: str
    default: certificates@1
extends_documentation_fragment:
  - quantumsafe.agility.agility
  - quantumsafe.agility.agility.info
"""

EXAMPLES = r"""
- name: What certificates and keys does the fleet have?
  quantumsafe.agility.crypto_certificate_info:
  become: true

- name: Which of them will have expired on New Year's Day?
  quantumsafe.agility.crypto_certificate_info:
    as_of: "2027-01-01"
  become: true
  register: held
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
  description: One entry for each file, aspect and rule.  They are in the host's result file, too.
  returned: when the task has a C(register)
  type: list
  elements: dict
  sample:
    - endpoint: /etc/nginx/tls/server.crt
      aspect: certificate
      state: forbidden
      rule: certificate-valid
      origin: /etc/nginx/tls/server.crt
credentials:
  description: The inventory, also C(credentials) in the host's result file.
  returned: when the task has a C(register)
  type: dict
  contains:
    items:
      description:
        - Files with certificates or private keys.
        - Roles are anchor, authority, locked, orphan-key, orphan-certificate, no-key, code-signing, device.
      type: list
      elements: dict
      sample:
        - path: /etc/nginx/tls/server.key
          owner: root
          mode: "0600"
          kinds: [key]
          key: {kind: ECDSA-P256, encrypted: false, form: PEM, public: 517072f7e1bb…}
          users: ["nginx *:443"]
          roles: []
    ssh:
      description: Lists of SSH keys by role, with how many of each type, those that are weak, and the authorities that are trusted.
      type: list
      elements: dict
      sample:
        - {path: /root/.ssh/authorized_keys, role: authorized_keys, kinds: {ssh-ed25519: 2}, weak: [], authorities: []}
    bundle:
      description: What the distribution trusts, as path, number of certificates and digest.
      type: dict
      sample: {path: /etc/ssl/certs/ca-certificates.crt, certificates: "142", sha256: e9c7b63ee262…}
    clients:
      description: What renews certificates here, and the file that says so.
      type: dict
      sample: {certbot: /etc/letsencrypt/renewal/www.example.org.conf}
    tokens:
      description: Keys in tokens that a configuration names, as place and PKCS#11 URI without PIN.
      type: list
      elements: list
      sample: [["/etc/nginx/conf.d/hsm.conf:7", "pkcs11:token=edge;object=www"]]
    notes:
      description: What was not looked at, and why.
      type: list
      elements: str
      sample: []
rounds:
  description: Round trips that it took.
  returned: success
  type: int
  sample: 2
"""
