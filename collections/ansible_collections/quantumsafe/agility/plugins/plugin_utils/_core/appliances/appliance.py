"""The contract of a platform: what one file in appliances/ declares, and all that the other rooms know of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..model import Endpoint, Snapshot


@dataclass(frozen=True, slots=True)
class Appliance:
    """A platform, declared.

    mark: what only its configurations hold.  look(text, path): (the text with nothing but the lines that are read, line numbers unchanged, facts);
    raises Unparsable for what is cut off or no configuration alone.  read(snapshot): the endpoints, from such a text.
    """

    name: str
    label: str
    mark: re.Pattern[str]
    look: Callable[[str, str], tuple[str, Mapping[str, str]]]
    read: Callable[[Snapshot], tuple[Endpoint, ...]]
