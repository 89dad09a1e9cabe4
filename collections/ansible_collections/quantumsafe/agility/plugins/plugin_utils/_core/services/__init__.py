"""One file a daemon.  A module of this package that defines SERVICE is a service; nothing else lists them."""

from __future__ import annotations

import importlib
from pathlib import Path

from ..service import Service


def _discover() -> dict[str, Service]:
    """Looks at files, not at import machinery: Ansible's collection importer has no pkgutil support that holds on every version."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))
    modules = (importlib.import_module(f"{__name__}.{name}") for name in names)
    found = (getattr(module, "SERVICE", None) for module in modules)
    services = sorted((service for service in found if service), key=lambda service: (service.protocol != "ssh", service.name))
    return {service.name: service for service in services}


SERVICES = _discover()
