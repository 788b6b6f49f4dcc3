"""Writes words into a file of records: ``python -m tests.portal.issued.writer FILE NAME``."""

import sys
from pathlib import Path

import msgspec

from libvirt_webrtc.portal.issued.record_file import RecordFile


class Word(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: str


def add(file: RecordFile[Word], text: str) -> None:
    with file.changing() as words:
        words.append(Word(text))


if __name__ == "__main__":
    for number in range(25):
        add(RecordFile(Path(sys.argv[1]), Word), f"{sys.argv[2]}{number}")
