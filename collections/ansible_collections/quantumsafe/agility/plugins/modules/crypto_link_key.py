#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_link_key); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_link_key
short_description: Give both ends of a tunnel another key that they share
version_added: 0.1.0
description:
  - Makes a key on the host, has it travel sealed to the other end's host, and puts it in place at both. The controller sees its ciphertext alone, and
    a salted digest. The tunnel is one of WireGuard, whose preshared key it is, or one whose ends are strongSwan (C(swanctl.conf)) or libreswan, whose
    PPK it is (RFC 8784).
  - Of WireGuard both ends are transactions with a deadline. They are confirmed when both have shaken hands anew, with that key; else both go back by
    themselves. Whoever is lost on the way, both end with the same key, see the notes.
  - Of a PPK each step of one end is a transaction with a deadline, and each mix of steps is a working tunnel. Both ends have both secrets before
    either uses the new one; V(contract) takes the old one away and requires the new one.
  - A connection of strongSwan that takes anybody is a hub's. Each of its spokes gets a PPK of its own, which the spoke names and requires; the
    connection itself is not changed, and the hub holds one key for each tunnel of each spoke.
  - libreswan takes up a connection that changed by ending its SAs, and establishes them anew at once; the plan says so. Its key is written by the
    host into C(/etc/ipsec.d/agility-ppk-CONNECTION.secrets); no file of secrets is read by the controller. Where C(ipsec.secrets) does not include
    that path it is refused, with the line to add.
  - Both hosts keep the key of before, and V(back) returns to it, until they forget the rotation (playbook C(recover)).
options:
  policy:
    description: The crypto-agility policy (YAML) whose windows and freezes hold, or the name of a shipped baseline, which has none.
    type: str
    default: hybrid-transition@1
  output:
    description: The results folder on the controller, C(agility-results/<run>) under the working directory when absent.
    type: path
  campaign:
    description: A name for it in results and in the ledger. The name of the run when absent.
    type: str
  link_peer:
    description: The host of the inventory that is the other end.
    type: str
    required: true
  link_interface:
    description: >-
      The interface of WireGuard on this host (wg-quick's or networkd's), or its connection of strongSwan (C(swanctl.conf)) or libreswan
      (C(ipsec.conf)). That of the other end is found by what both say.
    type: str
    required: true
  link_step:
    description:
      - V(rotate) makes a new key, also where there was none, or goes on with a PPK that both ends have already.
      - V(contract) is of PPKs alone; it takes the old PPK out of both ends and has both require the new one.
      - V(back) brings the key of before back, byte for byte, at both ends.
    type: str
    choices: [rotate, contract, back]
    default: rotate
  confirm_timeout:
    description:
      - Seconds until a host goes back by itself when no proof arrives. The other end of WireGuard waits two minutes longer, so that it can find
        out what this one did.
    type: int
    default: 120
requirements:
  - At both ends C(openssl) 3.0 or later.
  - Of WireGuard C(wg), and the interface up through C(wg-quick@INTERFACE.service), or through C(systemd-networkd) 257 or later.
  - Of strongSwan C(swanctl) that reads C(conf.d/*.conf), of libreswan 5.x a connection with one end that pluto has loaded, and the tunnel up.
notes:
  - The key is made by C(openssl rand) and sealed in CMS AuthEnvelopedData (AES-256-GCM) for a P-384 key that the other end's host made for
    it alone. Where both have OpenSSL 3.5 or later, what is sealed is encrypted before under a secret of ML-KEM-768, so that who would read it
    later has to break both.
  - Of WireGuard one end decides, the one that the task runs on, and the other follows. If the controller is lost between their two confirmations, the
    other end shakes hands at its deadline, with the new key and then with the old one, and keeps what is answered.
  - A reload of C(systemd-networkd) sets all peers of that interface anew, so each of them shakes hands again; the end that decides needs C(Endpoint=)
    of its peer. No kernel with WireGuard was there to try it on, see docs/tunnels.md.
  - The other end needs no place in the play; its connection is made of its own variables. Its result is written like that of any host.
extends_documentation_fragment:
  - quantumsafe.agility.agility.variables
  - quantumsafe.agility.agility.host
  - quantumsafe.agility.agility.window
"""

EXAMPLES = r"""
- name: A new preshared key for the tunnel to the branch
  quantumsafe.agility.crypto_link_key:
    link_interface: wg0
    link_peer: branch-7

- name: A new PPK for the connection of swanctl to the branch
  quantumsafe.agility.crypto_link_key:
    link_interface: branch
    link_peer: branch-7

- name: Take the old PPK away, and require the new one
  quantumsafe.agility.crypto_link_key:
    link_interface: branch
    link_peer: branch-7
    link_step: contract

- name: The key of before, at both ends
  quantumsafe.agility.crypto_link_key:
    link_interface: wg0
    link_peer: branch-7
    link_step: back
"""

RETURN = r"""
agility_output:
  description: The results folder of this run.
  returned: always
  type: str
  sample: agility-results/20261123T014502-4711
status:
  description: What became of this end, see the result file.
  returned: always
  type: str
  sample: changed
agility_window_until:
  description: When the change window closes in which the host was changed, in UTC or the policy's time zone, as ISO 8601.
  returned: when the host has a window, and it was open
  type: str
  sample: "2026-12-05T04:00:00+01:00"
transaction:
  description: The id of the last transaction of this host; of WireGuard the same at both ends; empty when nothing was begun.
  returned: always
  type: str
  sample: link-spring-2027-3f9a1c
link:
  description: What became of either end.
  returned: always
  type: dict
  contains:
    decides:
      description: The status of this host.
      type: str
      sample: changed
    follows:
      description: The status of the other end's host.
      type: str
      sample: changed
  sample: {decides: changed, follows: changed}
"""
