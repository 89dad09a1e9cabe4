#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_probe_info); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_probe_info
short_description: Shake hands with a TLS or SSH server, or an IKEv2 responder, and tell what was negotiated
version_added: 0.1.0
description:
  - Asks from the controller, over new connections, with a TLS client of its own. The controller's OpenSSL does not matter.
  - It does not authenticate the server. It tells what answered at that address.
  - An SSH server is asked once, without logging in. OpenSSH counts such connections (C(PerSourcePenalties)), so do not ask it in a loop.
  - An IKEv2 responder is sent IKE_SA_INIT over UDP, without credentials, one time with everything and one time with only the sort that it did not
    choose. It keeps a half-open SA for some seconds for each that it took. It answers by the connection that fits the controller's address, so a
    refusal says nothing about the peers that a tunnel is meant for.
options:
  address:
    description: Where to connect to. The address of the inventory host when absent.
    type: str
  port:
    description: TCP port; for C(ikev2) the UDP port, 500, or 4500 where only that is open.
    type: int
    required: true
  kind:
    description: The protocol to speak.
    type: str
    choices: [tls, ssh, ikev2]
    default: tls
  server_name:
    description: The TLS server name to ask for. An address or a pattern cannot be sent; of a wildcard a name that it covers is.
    type: str
    default: ""
  starttls:
    description: What is spoken before the TLS handshake, named as C(openssl s_client -starttls) does; empty when the port begins with TLS.
    type: str
    choices: ["", postgres]
    default: ""
  timeout:
    description:
      - Seconds for each connection, all of it. A TLS server has two, an SSH server one; for an IKEv2 responder seconds for everything.
    type: int
    default: 10
author:
  - quantumsafe.agility contributors (@quantumsafe)
attributes:
  check_mode:
    description: Reads only, so check mode changes nothing about it.
    support: full
  diff_mode:
    description: Nothing is changed, so there is no diff.
    support: none
  platform:
    description: Runs on the controller.
    support: full
    platforms: posix
"""

EXAMPLES = r"""
- name: Which group does the shop negotiate?
  quantumsafe.agility.crypto_probe_info:
    port: 443
    server_name: shop.example.org
  register: shop

- name: Would this VPN gateway take ML-KEM from us, and still a classical exchange?
  quantumsafe.agility.crypto_probe_info:
    kind: ikev2
    port: 500
    address: vpn.example.org
  register: gateway
"""

RETURN = r"""
probe:
  description: What was seen.
  returned: always
  type: dict
  sample: {version: TLSv1.3, group: X25519MLKEM768, cipher: TLS_AES_256_GCM_SHA384}
  contains:
    failure:
      description: Empty, or the kind of failure and what it means.
      returned: always
      type: str
      sample: "timed-out: no answer in time"
    seconds:
      description: From the look-up of the name to the server's signature (TLS), its list of algorithms (SSH) or its last answer (IKEv2).
      returned: always
      type: float
    bytes_received:
      description: Bytes of the handshake that came in that time.
      returned: always
      type: int
    strictly_prefers_hybrid:
      description:
        - Whether a client that knows the hybrid but sends only an X25519 key share is asked for the hybrid.
        - Null when the server does not speak TLS 1.3.
      returned: for a TLS server that answers
      type: bool
    exchange:
      description: What an IKEv2 responder chose of everything, by the names of the IANA registry.
      returned: for C(ikev2)
      type: str
      sample: CURVE_25519+ML_KEM_768
    hybrid:
      description: Whether it takes an offer of exchanges with ML-KEM only. Null when that is not known.
      returned: for C(ikev2)
      type: bool
    classical:
      description: Whether it takes an offer of classical exchanges only. Null when that is not known.
      returned: for C(ikev2)
      type: bool
    intermediate:
      description: Whether it says that it speaks IKE_INTERMEDIATE (RFC 9242).
      returned: for C(ikev2)
      type: bool
    fragmentation:
      description: Whether it says that it speaks IKEv2 fragmentation (RFC 7383).
      returned: for C(ikev2)
      type: bool
    ppk:
      description: Whether it says that it has a post-quantum pre-shared key (RFC 8784) for any of its peers.
      returned: for C(ikev2)
      type: bool
    signature_hashes:
      description: The hashes that it takes in signatures (RFC 7427).
      returned: for C(ikev2)
      type: list
      elements: str
    cookie:
      description: Whether it asked for a cookie, as it does when many are asking.
      returned: for C(ikev2)
      type: bool
    hinted:
      description: Groups that it asked a new share for (INVALID_KE_PAYLOAD).
      returned: for C(ikev2)
      type: list
      elements: str
    refusal:
      description: What it said instead of choosing.
      returned: for C(ikev2)
      type: str
      sample: NO_PROPOSAL_CHOSEN
"""
