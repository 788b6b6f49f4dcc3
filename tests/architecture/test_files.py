"""Files say one thing, and are short."""

from pathlib import Path
from statistics import median

import pytest

from tests.architecture.tree import CHECKOUT, files

LONGEST = 350
MEDIAN = 160

KINDS = {
    "libvirt_webrtc": (".py",),
    "web": (".js", ".css", ".html"),
    "tests": (".py", ".sh", ".c", ".js"),
    "examples": (".py", ".sh", ".c", ".h", ".S"),
    "hooks": ("", ".sh"),
}
"""What is written by hand in each folder. Domain XML in tests/data is data."""


def lengths(folder: str) -> dict[Path, int]:
    found = files(folder, *KINDS[folder])
    return {path.relative_to(CHECKOUT): path.read_bytes().count(b"\n") for path in found}


@pytest.mark.parametrize("folder", KINDS)
def test_no_file_is_long(folder: str) -> None:
    """Split it where a second noun appears."""
    long = {str(path): lines for path, lines in lengths(folder).items() if lines > LONGEST}
    assert long == {}


@pytest.mark.parametrize("folder", KINDS)
def test_half_of_the_files_are_of_a_page_or_two(folder: str) -> None:
    assert median(lines for lines in lengths(folder).values() if lines) <= MEDIAN
