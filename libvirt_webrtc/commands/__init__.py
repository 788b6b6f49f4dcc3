"""The commands, a module for each group: its ``add_parsers(commands)`` registers the group's commands on the parser."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]
    """What argparse's ``add_subparsers`` returns. It has no public name, and is generic in the type stubs only."""
else:
    Subparsers = argparse._SubParsersAction
