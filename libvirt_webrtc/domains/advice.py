"""Commands in texts for people: a domain's name is quoted, so that the command can be copied into a shell. Pure.

Names may hold blanks, quotes, ``$`` and nearly everything else, and begin with a dash [libvirt 11.3].
"""

import shlex


def on_domain(command: str, name: str) -> str:
    """``command`` with a domain's name as its last argument."""
    return f"{command} {'-- ' if name.startswith('-') else ''}{shlex.quote(name)}"


def in_quotes(command: str) -> str:
    """``command`` set off from a sentence's words, by other quotes than its own."""
    return f"'{command}'" if "'" not in command else f"`{command}`"
