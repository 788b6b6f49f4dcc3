"""What can be a user's or a group's name, whoever says so. Pure."""

MAX_NAME = 256
"""Characters."""

MAX_GROUPS = 1024
"""Of one user."""


def is_name(value: object) -> bool:
    """Whether a value can be shown, logged and compared as a name: printable, and without space around it."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_NAME
        and value.isprintable()
        and value.strip() == value
    )
