#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_probe_info); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_probe_info
short_description: Shake hands with a TLS or SSH server and tell what was negotiated
version_added: 0.1.0
description:
  - Asks from the controller, over new connections, with a TLS client of its own. The controller's OpenSSL does not matter.
options:
  address:
    description: Where to connect to. The address of the inventory host when absent.
    type: str
  port:
    description: TCP port.
    type: int
    required: true
  kind:
    description: The protocol to speak.
    type: str
    choices: [tls, ssh]
    default: tls
  server_name:
    description: The TLS server name to ask for.
    type: str
    default: ""
  timeout:
    description: Seconds for each connection.
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
"""

RETURN = r"""
probe:
  description: What was seen.
  returned: always
  type: dict
  sample: {version: TLSv1.3, group: X25519MLKEM768, cipher: TLS_AES_256_GCM_SHA384}
"""
