# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options and attributes that the modules of this collection share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
notes:
  - Every option can also be given as a variable, C(agility_<option>), e.g. C(agility_policy). What the task itself says wins.
  - What was done is entered into the ledger, C(agility-results/ledger) or the folder in the variable C(agility_ledger), together with
    C(agility_operator), C(agility_ticket) and C(agility_reason). See M(quantumsafe.agility.crypto_ledger_info).
options:
  policy:
    description:
      - The crypto-agility policy (YAML), a path on the controller; relative paths count from the working directory.
      - The name of a shipped baseline such as V(hybrid-transition@1) works too.
    type: str
    default: hybrid-transition@1
  output:
    description:
      - The results folder on the controller. It is created with mode 0700.
      - Without it, C(agility-results/<run>) under the working directory, where run names the ansible-playbook process.
    type: path
  as_of:
    description: The date on which the policy is judged, as YYYY-MM-DD. Today on the controller when absent.
    type: str
  services:
    description: Look only at these services. All that the collection knows when empty.
    type: list
    elements: str
    default: []
  agent:
    description:
      - V(sent) sends the agent with each call, a script that runs through become.
      - V(installed) sends data to the agent that the playbook C(quantumsafe.agility.install_agent) put there, and leaves become out.
    type: str
    choices: [sent, installed]
    default: sent
author:
  - quantumsafe.agility contributors (@quantumsafe)
"""

    VARIABLES = r"""
options: {}
notes:
  - Every option can also be given as a variable, C(agility_<option>). What the task itself says wins.
author:
  - quantumsafe.agility contributors (@quantumsafe)
"""

    WINDOW = r"""
options:
  window_override:
    description:
      - Who answers for a change at a time when the windows and freezes of the policy allow none, and why. Both must be said, and both are
        recorded in the host's result and in the summary. Where the time is right it does nothing.
    type: dict
    suboptions:
      reason:
        description: Why it cannot wait, e.g. the number of the incident.
        type: str
        required: true
      approver:
        description: Who decided so.
        type: str
        required: true
  error_budget:
    description:
      - How many hosts of the campaign may have failed before it stops, a number or per cent of the hosts of the play, e.g. V(2) or V(5%), rounded
        down. One more stops it until hosts are mended.
      - The run itself ends, as Ansible does it, when every host of a batch failed, such as the one of a canary; the next goes on.
    type: str
    default: '0'
notes:
  - Right before anything is sent to the host, the windows and freezes of the policy are worked out for it, by the controller's clock. Outside
    of them nothing is touched, and the result is C(out-of-window), a failure, with the next window.
  - Of the hosts with one value of the variable C(agility_cluster), such as an HA pair, no two are changed in one batch, nor one while another has
    failed. See the playbook C(quantumsafe.agility.waves).
"""

    ISSUER = r"""
options:
  authority:
    description: Folder on the controller with C(ca.crt), the issuing certificate first, and C(ca.key), or a folder of such folders.
    type: path
  authority_password:
    description: Password of C(ca.key), when it is encrypted.
    type: str
  issuer_anchor:
    description: PEM file on the controller with the certificate that the chains of the issuer must end at. Needed by all but V(local).
    type: path
  issuer_ca:
    description: PEM file of those who may vouch for the issuer's own server. The controller's store when absent.
    type: path
  issuer_token:
    description: Token that may sign, for V(http).
    type: str
  issuer_user:
    description: Account for basic authentication, for V(est).
    type: str
  issuer_password:
    description: Its password.
    type: str
  issuer_certificate:
    description: PEM file of a certificate that the controller shows to the issuer.
    type: path
  issuer_key:
    description: PEM file of its key.
    type: path
"""

    SAVED = r"""
options:
  plan_signed:
    description: Refuse a saved plan that nobody signed. A signature that is there and not good is refused always.
    type: bool
    default: false
  plan_public_keys:
    description: PEM files with the public keys that may vouch for a saved plan. Those of the controller's own ledger when empty.
    type: list
    elements: path
    default: []
  approval_public_keys:
    description:
      - PEM files with the public keys of those who may approve. When given, a saved plan is refused unless one of them approved it
        (M(quantumsafe.agility.crypto_approval)) and the approval has not expired; without a saved plan nothing is changed.
    type: list
    elements: path
    default: []
  approvers:
    description:
      - Who owns an aspect, such as C(key_exchange), and must approve a plan that changes it, by the PEM files with their public keys. One good
        approval by a key of each owner is demanded; of an aspect that is not named here one by O(approval_public_keys).
    type: dict
    default: {}
"""

    HOST = r"""
requirements:
  - On the host a POSIX shell, awk, sed, stat, base64 or od, and a SHA-256 tool. No Python.
attributes:
  check_mode:
    description: Can run in check mode and predict what a run would do.
    support: full
  diff_mode:
    description: Shows the lines that change, with secrets redacted on the host.
    support: full
  platform:
    description: Hosts with a POSIX shell.
    support: full
    platforms: posix
"""

    INFO = r"""
attributes:
  check_mode:
    description: Reads only, so check mode changes nothing about it.
    support: full
  diff_mode:
    description: Nothing is changed, so there is no diff.
    support: none
  platform:
    description: Hosts with a POSIX shell.
    support: full
    platforms: posix
"""

    CONTROLLER = r"""
attributes:
  check_mode:
    description: It changes nothing at any time.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
  platform:
    description: The controller; no host is contacted.
    support: full
    platforms: posix
"""
