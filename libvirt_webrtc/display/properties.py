"""Property values as D-Bus brings them: typed, or ignored."""

from collections.abc import Mapping
from typing import TypeVar, cast

from dbus_fast import Variant

Properties = Mapping[str, Variant]
"""Values by property name, of one interface."""
Interfaces = Mapping[str, Properties]
"""Properties by interface name, of one object."""

MAX_TEXT = 256
"""Characters of a text that are kept. QEMU's own names are below 100; a longer one is no name."""

_T = TypeVar("_T")


def value_of(properties: Properties, name: str, signature: str, default: _T) -> _T:
    """The property's value where it is there and has this type, else ``default``; a text cut to ``MAX_TEXT``."""
    found = properties.get(name)
    if found is None or found.signature != signature:
        return default
    value = found.value
    return cast(_T, value[:MAX_TEXT] if isinstance(value, str) else value)
