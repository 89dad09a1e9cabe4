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
  - Private keys are made on the host and never leave it; the O(issuer) signs their requests.
  - New certificates and keys are put beside the old ones and the references are switched, as a transaction. Each kind of client is then
    seen to be served the new certificate of its kind, or the host goes back by itself.
  - With several O(keys) a service serves one certificate of each kind, so that classical and post-quantum clients are both served.
  - The old files stay where they are, and C(rollback) brings the old references back.
  - Of a network device (Cisco IOS-XE, Arista EOS, Junos and VyOS by C(ansible.netcommon.network_cli), FortiOS by C(ansible.netcommon.httpapi); tried
    on emulators only) the certificate of HTTPS is replaced. Its key is made on the device, which takes the certificate under a new name, and
    C(ip http secure-trustpoint), the ssl profile of eAPI, C(pki-local-certificate), C(service https certificates) or C(admin-server-cert) names it
    in a change that the timer of the device takes back. O(key_store), O(acme_webroot), O(anchor_check) and the options of escrow are of hosts alone.
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
  renew_jitter:
    description:
      - Days that a certificate is due earlier at most, always the same number for it.
      - A fleet that was renewed in one night is then not due in one night.
    type: int
    default: 0
  key_store:
    description:
      - Where new keys are made. With V(pkcs11) in the token O(pkcs11_token) of the host, through the provider C(pkcs11) of its openssl, and
        the service is told their URI. What has its key in a file is due then, where the service can take it from a token (nginx 1.29).
      - Nothing takes a key out of a token again.
    type: str
    choices: [file, pkcs11]
    default: file
  pkcs11_token:
    description: Label of the token, for V(pkcs11).
    type: str
  pkcs11_pin_file:
    description: File on the host that holds its PIN, never the PIN. When absent the configuration of the provider there has to know it.
    type: str
  issuer:
    description:
      - Who signs. V(local) is the authority in the folder O(authority).
      - V(handover) writes the requests into O(issuer_folder) and ends as C(pending); a run that finds the certificates there goes on.
      - V(http) is the PKI API of HashiCorp Vault or OpenBao, V(est) is RFC 7030, V(acme) is RFC 8555.
      - V(acme) needs the Python package acme on the controller. It signs classical keys alone; with O(authority) set beside it that
        authority signs the ML-DSA ones.
      - The answer of each is judged in the same way before anything is placed.
    type: str
    choices: [local, handover, http, est, acme]
    default: local
  issuer_folder:
    description: Folder on the controller where requests go and certificates come, for V(handover).
    type: path
  issuer_url:
    description:
      - Address of the issuer, which begins with V(https://).
      - For V(http) it ends with C(/v1/MOUNT/sign/ROLE), for V(est) with C(/.well-known/est) or C(/.well-known/est/LABEL), for V(acme) it is that
        of the directory.
    type: str
  escrow_folder:
    description:
      - Folder on the controller, 0700, where new keys go as ciphertext that their recipient alone can read, made on the host.
      - Only where the section C(escrow) of the policy says V(allowed) or V(required); without it no key is ever kept. A key in a token is not.
    type: path
  escrow_recipients:
    description: Folder on the controller with C(NAME.crt) and C(NAME.pub) of each recipient whom the policy names and pins.
    type: path
  acme_account:
    description:
      - Folder on the controller of the account at the authority, for V(acme). Its key, C(account.key), is made there (0600 in 0700) where there is
        none.
    type: path
  acme_email:
    description: Where the authority may write to about that account.
    type: str
  acme_terms_agreed:
    description: Whether you agree to the authority's terms of service.
    type: bool
    default: false
  acme_webroot:
    description:
      - Folder on the host that is served at port 80 for the names; they are proved by http-01 then. The answer lies in
        C(.well-known/acme-challenge) below it while the authority looks.
    type: str
  acme_dns_command:
    description:
      - Program on the controller and its first arguments, which sets and removes TXT records; names are proved by dns-01 then, with
        O(acme_webroot) only wildcards.
      - It is run without a shell, with C(add) or C(remove), the name of the record and its text behind, and ends with 0 once the record can be seen.
    type: list
    elements: str
    default: []
  acme_eab_id:
    description: Id of the account that this one is bound to, where the authority asks for that (external account binding).
    type: str
  acme_eab_key:
    description: Its key, base64url, as the authority gave it.
    type: str
  anchor_check:
    description:
      - What happens when certificates of a new hierarchy are to be served by a host that does not trust it itself.
      - V(warn) goes on, V(refuse) stops before anything is issued.
    type: str
    choices: [warn, refuse]
    default: warn
  confirm_timeout:
    description: Seconds until the host goes back by itself when no proof arrives.
    type: int
    default: 120
extends_documentation_fragment:
  - quantumsafe.agility.agility
  - quantumsafe.agility.agility.host
  - quantumsafe.agility.agility.issuer
  - quantumsafe.agility.agility.window
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

- name: Have Vault sign
  quantumsafe.agility.crypto_certificate:
    issuer: http
    issuer_url: https://vault.example:8200/v1/pki/sign/web
    issuer_token: "{{ lookup('ansible.builtin.env', 'VAULT_TOKEN') }}"
    issuer_anchor: /srv/anchors/vault-root.pem

- name: Renew by ACME
  quantumsafe.agility.crypto_certificate:
    issuer: acme
    issuer_url: https://acme-v02.api.letsencrypt.org/directory
    issuer_anchor: /srv/anchors/isrg-root-x1.pem
    acme_account: /srv/acme/letsencrypt
    acme_terms_agreed: true
    acme_webroot: /var/www/html
    days: 90
    renew_before: 30
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
escrow:
  description: Files of keys in escrow that this run wrote on the controller.
  returned: always
  type: list
  elements: str
  sample: []
agility_window_until:
  description: When the change window closes in which the host was changed, in UTC or the policy's time zone, as ISO 8601.
  returned: when the host has a window, and it was open
  type: str
  sample: "2026-12-05T04:00:00+01:00"
transaction:
  description: The id of the transaction; empty when nothing was due.
  returned: always
  type: str
  sample: dual-2027-3f9a1c
"""
