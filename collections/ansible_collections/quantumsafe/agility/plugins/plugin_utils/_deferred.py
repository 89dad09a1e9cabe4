# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: whether somebody takes down, at the end of the run, what tasks that changed nothing tell the ledger.

A chain is signed once for all of them then, by the controller's own process; a worker a host would read both keys and sign anew, which cost a
host a sixth of its audit.  The callback summary sets this before the first worker is forked; without it each worker enters what it did itself.
"""

from __future__ import annotations

listening = False
