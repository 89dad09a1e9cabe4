#!/usr/bin/python
# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of M(quantumsafe.agility.crypto_wave); the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_wave
short_description: Divide a crypto-agility campaign into waves, and judge each before the next begins
version_added: 0.1.0
description:
  - These are the steps of the playbook C(quantumsafe.agility.waves), which is how to use it. All but O(step=prove) run once for all hosts, on
    the controller; C(prove) shakes hands with the host from there.
  - Hosts are ordered by zone (internet, partner, internal, specialised; by the C(exposure) of the policy's zone, else by its name), and among
    those of one zone by their variable C(agility_domain) (V(web), V(api), V(vpn), V(mesh); V(web) when absent). A wave holds hosts of one zone
    and one domain, and of the hosts with one C(agility_cluster) at most one.
  - A campaign keeps its waves, beside the results. Hosts that are new to it come behind, in waves of their own.
options:
  step:
    description:
      - V(show) tells the waves, and leaves them in the results folder for the ticket of a plan. V(divide) begins a run of the campaign.
      - V(begin) tells whether the wave that the batch of the play is may begin. Every host of the waves before it must be as promised, or
        have failed within O(error_budget).
      - V(rehearsed) notes that the host has been changed and taken back. V(soak) waits, and looks at O(health). V(prove) proves again what was
        proved when the host was changed.
      - V(judge) tells what is to be taken back. V(conclude) fails unless every host of the play is as promised.
      - V(back) tells the order in which a campaign is taken back.
    type: str
    required: true
    choices: [show, divide, begin, rehearsed, soak, prove, judge, conclude, back]
  campaign:
    description: The campaign; the run's name when absent.
    type: str
  waves:
    description:
      - The steps, each a number of hosts or per cent of all, at least one. The last one is taken again until no host is left.
      - Hosts with the variable C(agility_canary=true) take the place of the first step.
    type: list
    elements: str
    default: ['1', '5%', '25%', '100%']
  rehearse:
    description: Whether the first wave goes there and back once before it is changed for good.
    type: bool
    default: true
  soak:
    description: Seconds that a wave is watched before it is judged.
    type: int
    default: 60
  health:
    description:
      - What users see, asked from the controller at the beginning of the soak, every ten seconds, and at its end. An address, which must answer
        with a status from 200 to 299, or a command as a list of words, which must end with 0. No shell sees it.
      - What failed is asked twice more before it counts. Then it is a breach.
    type: list
    elements: raw
    default: []
  error_budget:
    description:
      - How many hosts of a wave may have failed before it is a breach, a number or per cent of the hosts of the wave, rounded down.
      - The gate of the campaign counts it too, over all its hosts, see M(quantumsafe.agility.crypto_enforce).
    type: str
    default: '0'
  on_breach:
    description: What a breach takes back, the V(wave) in which it was, all waves of the V(campaign), or V(nothing).
    type: str
    choices: [wave, campaign, nothing]
    default: wave
extends_documentation_fragment:
  - quantumsafe.agility.agility
attributes:
  check_mode:
    description: Nothing is written, nobody waits, and no wave is held up.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
  platform:
    description: The controller.
    support: full
    platforms: posix
"""

EXAMPLES = r"""
- name: Tell the waves
  quantumsafe.agility.crypto_wave:
    step: show
    waves: [2, 10%, 100%]
  run_once: true
  register: waves
"""

RETURN = r"""
hosts:
  description: The hosts of the play in the order of their waves.
  returned: for divide, judge and back
  type: list
  elements: str
  sample: [edge-1, edge-2, app-1]
serial:
  description: How many hosts each wave has, for C(serial) of a play over RV(hosts).
  returned: for divide, judge and back
  type: list
  elements: int
  sample: [1, 2]
campaign:
  description: The campaign.
  returned: for divide
  type: str
  sample: spring-2027
rehearse:
  description: The hosts that rehearse first.
  returned: for divide
  type: list
  elements: str
  sample: [edge-1]
stopped:
  description: Whether the wave must not begin.
  returned: for begin
  type: bool
  sample: false
agility_wave:
  description: Which wave it is.
  returned: for begin
  type: str
  sample: wave 2 of 4
proved:
  description: Endpoints that were proved again.
  returned: for prove
  type: list
  elements: str
  sample: ["tls:0.0.0.0:443"]
report:
  description: The same for a person; for show and divide a list of lines.
  returned: for all but prove and judge
  type: raw
  sample: "wave 2 of 4 (internet, web): edge-2, edge-3"
"""
