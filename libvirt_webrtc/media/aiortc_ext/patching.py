"""Replaces one attribute of a library by ours."""

from typing import Any


def replace(owner: Any, name: str, new: Any) -> Any:
    """Set ``owner.name`` to ``new``, and return what it was."""
    old = getattr(owner, name)
    setattr(owner, name, new)
    return old
