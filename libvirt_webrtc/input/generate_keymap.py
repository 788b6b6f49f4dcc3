"""Writes ``keymap.py`` from keycodemapdb's ``data/keymaps.csv``, the table behind QEMU's own key maps.

::

    python -m libvirt_webrtc.input.generate_keymap keymaps.csv > libvirt_webrtc/input/keymap.py

The table is in https://gitlab.com/keycodemapdb/keycodemapdb, and in the sources of QEMU, libvirt and gtk-vnc
under ``subprojects/keycodemapdb``. It is needed only for this; the program uses ``keymap.py``.
"""

import argparse
import csv
import hashlib
import io
import sys
from pathlib import Path

ATSET1 = "AT set1 keycode"
HTML = "HTML code"
QCODE = "QEMU QKeyCode"

EXTENDED = 0xE000
HANJA_HANGEUL = (0xF1, 0xF2)
"""Two keys whose scan code has the bit that means "up" elsewhere; QEMU's number for them is without it."""

OTHER_NAMES = {"OSLeft": "MetaLeft", "OSRight": "MetaRight"}
"""Firefox before 118, so also ESR 115, calls the Meta keys by names that never were in the standard."""

HEADER = '''\
"""``KeyboardEvent.code`` to qnum, the number by which QEMU's keyboard interface knows a physical key.

Generated: do not edit. To generate again::

    python -m libvirt_webrtc.input.generate_keymap keymaps.csv > libvirt_webrtc/input/keymap.py

from keycodemapdb's ``data/keymaps.csv``, sha256
{checksum}.
Copyright (c) keycodemapdb's individual contributors. That table may be used under the GPL, version 2 or later, or
under the 3-clause BSD licence; here it is the latter.

A qnum is the key's XT (set 1) scan code; a code that follows an E0 prefix has 0x80 added. The comment is QEMU's
name of the key. A key that QEMU has no name for is left out: QEMU would ignore its number.
"""

from collections.abc import Mapping
from typing import Final

QNUM_BY_CODE: Final[Mapping[str, int]] = {{
'''


def qnum(scan_code: int) -> int:
    """QEMU's number for a set 1 scan code such as 0x1e or 0xe01c."""
    if scan_code in HANJA_HANGEUL:
        return scan_code & 0x7F
    if scan_code > 0x7F:
        if scan_code & ~0x7F != EXTENDED:
            raise ValueError(f"0x{scan_code:x} is not a set 1 scan code")
        return 0x80 | (scan_code & 0x7F)
    return scan_code


def generate(table: bytes) -> str:
    """The source of ``keymap.py`` for the contents of ``keymaps.csv``."""
    keys: dict[str, tuple[int, str]] = {}
    # A key has several rows, one for each of its names elsewhere; the last one counts, as in QEMU's own maps.
    for row in csv.DictReader(io.StringIO(table.decode())):
        if row[HTML] and row[ATSET1] and row[QCODE]:
            keys[row[HTML]] = (qnum(int(row[ATSET1], 16)), row[QCODE])
    for other, code in OTHER_NAMES.items():
        keys[other] = keys[code]
    lines = [f'    "{code}": 0x{number:02X},  # {name}\n' for code, (number, name) in sorted(keys.items())]
    return HEADER.format(checksum=hashlib.sha256(table).hexdigest()) + "".join(lines) + "}\n"


def main() -> None:
    """Print ``keymap.py`` for the table named on the command line."""
    parser = argparse.ArgumentParser(description="print keymap.py")
    parser.add_argument("table", type=Path, metavar="keymaps.csv")
    sys.stdout.write(generate(parser.parse_args().table.read_bytes()))


if __name__ == "__main__":
    main()
