"""The guest of the tests with a real QEMU."""

import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("keys_and_modes.s")


@pytest.fixture(scope="session")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("boot")
    subprocess.run(["as", "--32", SOURCE, "-o", folder / "boot.o"], check=True)
    link = ["ld", "-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary", "boot.o", "-o", "boot.img"]
    subprocess.run(link, cwd=folder, check=True)
    with open(folder / "boot.img", "r+b") as image:
        image.truncate(1 << 20)
    return folder / "boot.img"
