"""Tries both ends of the bounds that pyproject.toml sets for the libraries that media/aiortc_ext reaches into.

``python -m tests.matrix`` installs the lowest and the highest allowed releases beside the virtual environment, one set
after the other, runs the tests that lean on what is not public in them, and writes what passed into tests/matrix.toml.
To allow a newer release: raise the upper bound, run this, and commit both files.
"""

import os
import subprocess
import sys
import tempfile
import tomllib
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

CHECKOUT = Path(__file__).parents[1]
RECORD = Path(__file__).with_suffix(".toml")
REACHED_INTO = {"aiortc": 2, "aioice": 2, "av": 1}
"""Library, and how many numbers of its version stand for a release that may move what is not public."""
TESTS = ["tests/media/aiortc_ext", "tests/media/rtp", "tests/media/encode", "tests/media/test_webrtc.py"]

Versions = dict[str, Version]


def bounds() -> dict[str, Requirement]:
    """What pyproject.toml requires of these libraries."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = map(Requirement, project["dependencies"])
    return {each.name: each for each in required if each.name in REACHED_INTO}


def limit(required: Requirement, operator: str) -> Version:
    """The one bound that it has with this operator."""
    (found,) = (each for each in required.specifier if each.operator == operator)
    return Version(found.version)


def recorded() -> dict[str, Versions]:
    """What was tried last, at each end."""
    ends = tomllib.loads(RECORD.read_text(encoding="utf-8"))
    return {end: {name: Version(text) for name, text in versions.items()} for end, versions in ends.items()}


def lowest(required: Requirement) -> str:
    """The lowest release as pip is asked for it."""
    release = (*limit(required, ">=").release, 0, 0)[:3]
    return f"{required.name}=={'.'.join(map(str, release))}"


def attempt(requirements: list[str]) -> Versions:
    """Install these releases, run the tests with them, and tell which they are.

    Raises:
        subprocess.CalledProcessError: pip or a test failed; they have said why.
    """
    with tempfile.TemporaryDirectory() as place:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", place]
        subprocess.run([*pip, *requirements], check=True)
        versions = {each.name: Version(each.version) for each in distributions(path=[place])}
        print("trying", *(f"{name} {version}" for name, version in versions.items()), flush=True)
        environment = {**os.environ, "PYTHONPATH": place}
        # The tests must be seen to use what was installed for them.
        code = "import av, sys; sys.exit(not av.__file__.startswith(sys.argv[1]))"
        subprocess.run([sys.executable, "-c", code, place], env=environment, check=True)
        tests = [sys.executable, "-m", "pytest", "-q", *TESTS]
        subprocess.run(tests, cwd=CHECKOUT, env=environment, check=True)
    return {name: versions[name] for name in REACHED_INTO}


def run() -> dict[str, Versions]:
    """Both ends; takes some minutes. Raises as :func:`attempt`."""
    required = bounds().values()
    return {
        "lowest": attempt([lowest(each) for each in required]),
        "highest": attempt([str(each) for each in required]),
    }


def main() -> None:
    lines = [
        "# Written by `python -m tests.matrix`: what passed, at both ends of the bounds in pyproject.toml."
    ]
    for end, versions in run().items():
        lines += ["", f"[{end}]", *(f'{name} = "{version}"' for name, version in versions.items())]
    RECORD.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
