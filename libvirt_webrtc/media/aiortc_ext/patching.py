"""How a patch goes in."""

from typing import Any


def replace(owner: Any, name: str, new: Any) -> Any:
    """Put ``new`` in the place of ``owner.name``, and return what was there."""
    old = getattr(owner, name)
    setattr(owner, name, new)
    return old
