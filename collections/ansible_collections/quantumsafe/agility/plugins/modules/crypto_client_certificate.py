#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_client_certificate); the work is done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_client_certificate
short_description: Move mTLS to another authority of clients, one step on one host
version_added: 0.1.0
description:
  - Servers first trust the new authority beside the old one, then clients get new keys and certificates, then servers no longer trust the old.
  - The playbook C(rotate_client_certificates) takes these steps in their order, C(rollback_client_certificates) takes them back in the
    order backwards. Which host is a server and which a client is read from their configurations.
  - Each step is a transaction of its own. Private keys are made on the client and never leave it.
  - Read are nginx as a server, and nginx as a client (C(proxy_ssl_certificate) and its like). Other daemons are left alone.
options:
  step:
    description:
      - V(look) says whether this host could follow, and writes down what it shows. Nothing is touched.
      - V(trust) adds the new authority to the files that decide about clients and hold the old one. The server's own openssl must still let
        in every known client, and a new connection must see both authorities named.
      - V(key) gives the client a new key and certificate, once it is seen to be let in with what it has. A handshake from its own host must be
        let in with the new pair.
      - V(require) takes the old authority away, once every host of the inventory was looked at in this run and none shows what ends there.
      - V(prove) has a client that moved shake hands with both pairs. The new one must be let in, the old one turned away.
    type: str
    choices: [look, trust, key, require, prove]
    default: look
  policy:
    description: The crypto-agility policy (YAML) whose windows and freezes hold, or the name of a shipped baseline, which has none.
    type: str
    default: hybrid-transition@1
  client_anchor:
    description: PEM file on the controller with the root of the new authority.
    type: path
  client_anchor_old:
    description: PEM file on the controller with the root of the old authority.
    type: path
  client_certificates:
    description: Files on the host with certificates of clients that are no daemon. While one ends at the old authority, that stays.
    type: list
    elements: str
    default: []
  campaign:
    description: A name under which the change can be undone. The name of the run when absent.
    type: str
  keys:
    description: The kind of key that clients get, such as V(ML-DSA-65), in a list of one. That of today when empty.
    type: list
    elements: str
    default: []
  names:
    description: Names that a new certificate is for. Those of the old one when empty, else the name of the host.
    type: list
    elements: str
    default: []
  days:
    description: Days that a new certificate is good for.
    type: int
    default: 47
  issuer:
    description:
      - Who signs. V(local) is the authority in the folder O(authority).
      - V(http) is the PKI API of HashiCorp Vault or OpenBao, V(est) is RFC 7030.
      - The answer of each is judged in the same way before anything is placed.
    type: str
    choices: [local, http, est]
    default: local
  issuer_url:
    description:
      - Address of the issuer, which begins with V(https://).
      - For V(http) it ends with C(/v1/MOUNT/sign/ROLE), for V(est) with C(/.well-known/est) or C(/.well-known/est/LABEL).
    type: str
  confirm_timeout:
    description: Seconds until the host goes back by itself when no proof arrives.
    type: int
    default: 120
  output:
    description: The results folder on the controller, as for the other modules.
    type: path
notes:
  - The host needs C(openssl) besides what every host needs.
extends_documentation_fragment:
  - quantumsafe.agility.agility.variables
  - quantumsafe.agility.agility.host
  - quantumsafe.agility.agility.issuer
  - quantumsafe.agility.agility.window
"""

EXAMPLES = r"""
- name: Give a client an ML-DSA key, once its servers trust the new authority
  quantumsafe.agility.crypto_client_certificate:
    step: key
    client_anchor_old: /srv/old/root.crt
    client_anchor: /srv/authority/ml-dsa-65-root/root.crt
    authority: /srv/authority
    keys: [ML-DSA-65]
    campaign: clients-2027
  become: true
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
  description: The id of the transaction; empty when nothing was due.
  returned: always
  type: str
  sample: clients-2027-key-3f9a1c
"""
