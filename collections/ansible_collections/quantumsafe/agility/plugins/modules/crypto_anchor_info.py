#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_anchor_info); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_anchor_info
short_description: Whether a host trusts an anchor, and what it serves that ends there
version_added: 0.1.0
description:
  - Asks the host's own openssl whether its store holds a root certificate, and looks for certificates in use that end there.
options:
  anchor:
    description: PEM file on the controller with the one root certificate.
    type: path
  output:
    description: The results folder on the controller, as for the other modules.
    type: path
extends_documentation_fragment:
  - quantumsafe.agility.agility.variables
  - quantumsafe.agility.agility.info
"""

EXAMPLES = r"""
- name: Who trusts it, and who needs it?
  quantumsafe.agility.crypto_anchor_info:
    anchor: /srv/authority/ml-dsa-65-root/root.crt
  register: anchor
"""

RETURN = r"""
agility_output:
  description: The results folder of this run.
  returned: always
  type: str
  sample: agility-results/20261123T014502-4711
trusted:
  description: Whether the host's store holds it.
  returned: success
  type: bool
  sample: true
needed_by:
  description: The certificate files in use that end there, or that could not be read.
  returned: success
  type: list
  elements: str
  sample: [/etc/nginx/tls/server.crt]
"""
