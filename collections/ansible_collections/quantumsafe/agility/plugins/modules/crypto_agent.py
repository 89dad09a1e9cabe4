#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_agent); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_agent
short_description: Install the agent for an account that may do nothing else as root
version_added: 0.1.0
description:
  - Puts a root-owned agent on the host and one line for sudo, which lets one account run exactly that file, by its digest and without arguments.
  - With O(quantumsafe.agility.crypto_enforce#module:agent=installed) the collection then sends data to it, never a script.
  - Needs root itself, once, and again after each update of the collection.
options:
  agent_user:
    description: The account that may run the agent. It must exist on the host. Needed to install.
    type: str
  agent_state:
    description: Whether the agent and its line are there.
    type: str
    choices: [present, absent]
    default: present
  output:
    description: The results folder on the controller, as for the other modules.
    type: path
extends_documentation_fragment:
  - quantumsafe.agility.agility.variables
  - quantumsafe.agility.agility.host
"""

EXAMPLES = r"""
- name: Let the account "operator" change cryptography, and nothing else
  quantumsafe.agility.crypto_agent:
    agent_user: operator
  become: true
"""

RETURN = r"""
agility_output:
  description: The results folder of this run.
  returned: always
  type: str
  sample: agility-results/20261123T014502-4711
path:
  description: Where the agent is on the host.
  returned: always
  type: str
  sample: /usr/local/libexec/crypto-agility/agent
sha256:
  description: The digest of the agent of this release.
  returned: always
  type: str
  sample: 1a278dfe50c57f3bd107413d55346596976c8dccc3a1301c3a108bf1590d3be1
status:
  description: What became of this host, see the result file.
  returned: always
  type: str
  sample: changed
"""
