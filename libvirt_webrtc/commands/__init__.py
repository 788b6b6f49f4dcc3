"""The commands, one module for each group: ``add_parsers(commands)`` says which there are and what they do."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]
    """What argparse's ``add_subparsers`` gives; its name is private, and generic in its stubs only."""
else:
    Subparsers = argparse._SubParsersAction
