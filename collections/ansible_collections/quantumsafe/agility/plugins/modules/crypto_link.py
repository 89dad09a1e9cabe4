#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_link); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_link
short_description: Move one end of a tunnel a step, together with its other end
version_added: 0.1.0
description:
  - Both ends of a tunnel between two strongSwan (swanctl) that are managed here take a step, each as a transaction of its own. So do an
    OpenVPN server and its clients.
    The playbook C(migrate_links) audits them before, and puts both ends side by side, which this module needs.
  - A host of several tunnels, a hub or a spoke takes it alone, in one transaction for all its tunnels; the SA lists of the other ends are asked
    for over connections of its own. The playbook sees to the order. Two hosts that have no other tunnel take it together in one task, as follows.
  - Each end is planned before either changes. The end that responds is armed first, then the one that begins; a new IKE SA is made beside the old
    one, its children and itself are rekeyed, and the SA lists of both ends have to name ML-KEM for the same SPIs. Then the old IKE SA ends by its
    number, and both ends are confirmed, each over a fresh connection.
  - When an end fails, or the controller is lost before the first confirmation, both go back by themselves.
  - Where an end or both are libreswan, a tunnel moves to what both ends can do, which is ML-KEM where both have it. libreswan ends the SAs of a
    connection that it takes anew, and establishes them anew; the plan states that outage.
  - Where an end or both are strongSwan with C(ipsec.conf), a tunnel moves to what both ends can do, too, beside the old SA. V(contract) closes what
    is left with C(!). The list of such an end names no additional exchange of a child, so that of the other end has to.
  - OpenVPN is restarted, which ends the tunnels of that host; the plan states that outage. A server is a hub. The step is confirmed once the tunnels
    are back, and the logs of both ends tell of sessions that are newer, one of them with a hybrid. Of OpenVPN 2.6 that is the server's log.
  - A host without a tunnel of strongSwan, libreswan or OpenVPN is skipped. One with tunnels of strongSwan and of OpenVPN moves one kind at a time.
  - A link that cannot be moved is refused by name (partners, an end of strongSwan or OpenVPN without ML-KEM, and with libreswan or C(ipsec.conf) a
    policy that allows nothing that both can do), and so is a step behind which the two ends of an OpenVPN would have nothing in common.
options:
  step:
    description:
      - V(expand) puts the new key exchange in front of the old one at both ends. The policy has to want it, at stage C(prefer) or C(require).
        At an end of strongSwan or libreswan of which no proposal is allowed as a whole, proposals of allowed ciphers, MACs and PRFs go in front, too.
      - V(contract) takes the old one away at both ends. It needs stage C(require), and all ends expanded in the same campaign. A connection that
        somebody else holds, who is not managed here or cannot move, is refused with the names; one that takes anybody, as every OpenVPN server
        does, needs an entry in C(clients) of the policy, too, and for its ciphers in IPsec one that says C(acknowledge).
      - Proposals with ciphers, MACs and PRFs that the policy no longer allows go with V(contract), where the stage of that aspect is
        C(require); the SA lists of both ends have to name what it leaves.
    type: str
    choices: [expand, contract]
    default: expand
  policy:
    description: The crypto-agility policy (YAML) on the controller, or the name of a shipped baseline, which says nothing about tunnels.
    type: str
    default: hybrid-transition@1
  output:
    description: The results folder of this run, with C(links.json).
    type: path
  as_of:
    description: The date on which the policy is judged, as YYYY-MM-DD. Today on the controller when absent.
    type: str
  agent:
    description: V(installed) is refused, for the agent of least privilege moves no tunnels.
    type: str
    choices: [sent, installed]
    default: sent
  campaign:
    description: The campaign; its transactions are called by it and the step, C(CAMPAIGN-expand). The run's name when absent.
    type: str
  confirm_timeout:
    description: Seconds until a host reverts by itself when no proof arrives. Both ends have to come to an end within it.
    type: int
    default: 120
  packets:
    description:
      - Whether packets that are lost meanwhile are counted, by five pings a second from this host to the other end's inner address through the
        tunnel. They end by themselves. What they tell stands in the result, in the state of the campaign and in the closing table.
        It decides nothing. Of OpenVPN, which is restarted, none are counted.
    type: bool
    default: true
notes:
  - Of a pair both hosts have to be in one batch, and tasks of all hosts of the batch have to run at once (C(forks)), for each waits for the other.
extends_documentation_fragment:
  - quantumsafe.agility.agility.variables
  - quantumsafe.agility.agility.host
  - quantumsafe.agility.agility.window
"""

EXAMPLES = r"""
- name: Put ML-KEM in front at both ends
  quantumsafe.agility.crypto_link:
    step: expand
    policy: policies/default.yml
    campaign: tunnels-2027
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
  description: The id of the transaction; empty when nothing was due.
  returned: always
  type: str
  sample: tunnels-2027-expand-3f9a1c
"""
