"""``python -m tests.bench compare --against COMMIT``: another commit's figures beside this checkout's.

Figures of two runs an hour apart say little on a machine that others use. Here the two trees take turns, in one private
world, with the same Python packages and the same demo guests: A B, B A, A B, ... The other tree is unpacked into a
temporary folder and runs its own benches. A figure's value is the median over the rounds of each run's median.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import world
from tests.bench.machine import machine

DEFAULT = ("latency", "first_picture", "fanout", "idle")
HIGHER_IS_BETTER = frozenset({"frames/s", "MB/s", "dB"})
"""Units of figures that should grow; and so should those that compare somebody else's cost to ours."""
OTHERS_OVER_OURS = "_over_ours"


class CompareError(RuntimeError):
    """The comparison cannot be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A source tree, and the Python that imports from it."""

    name: str
    folder: Path
    python: Path


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of both trees."""

    key: str
    unit: str
    befores: tuple[float, ...]
    """The medians of the other commit's runs, one for each round; empty where it has no such figure."""
    afters: tuple[float, ...]

    @property
    def before(self) -> float | None:
        """The other commit's value."""
        return statistics.median(self.befores) if self.befores else None

    @property
    def after(self) -> float | None:
        """This checkout's value."""
        return statistics.median(self.afters) if self.afters else None

    @property
    def ratio(self) -> float | None:
        """After over before."""
        if self.before is None or self.after is None or not self.before:
            return None
        return self.after / self.before

    @property
    def worse(self) -> float | None:
        """How many times worse this checkout is: below 1 it is better."""
        ratio = self.ratio
        if ratio is None or not ratio:
            return None
        return 1 / ratio if self.unit in HIGHER_IS_BETTER or OTHERS_OVER_OURS in self.key else ratio


def main(arguments: Sequence[str]) -> int:
    """Status 0 whatever the figures are; 1 with the reason on standard error where there are none."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench compare", description=__doc__)
    parser.add_argument("--against", required=True, metavar="COMMIT", help="the commit to compare with")
    parser.add_argument("--bench", nargs="+", default=DEFAULT, help="default: %(default)s")
    parser.add_argument(
        "--rounds", type=int, default=3, help="how often each tree has its turn (%(default)s)"
    )
    parser.add_argument("--runs", type=int, help="of each bench in a turn (default: the bench's own)")
    parser.add_argument("--seconds", type=float, help="idle: how long to watch")
    options = parser.parse_args(arguments)
    given = []
    for name in ("runs", "seconds"):
        if (value := getattr(options, name)) is not None:
            given += [f"--{name}", str(value)]
    try:
        with other_tree(options.against) as other:
            ours = Tree("this checkout", world.CHECKOUT, Path(sys.executable))
            benches = {name: compare(name, other, ours, options.rounds, given) for name in options.bench}
    except (CompareError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(as_json(options.against, options.rounds, benches), indent=2))
    print(as_table(benches), file=sys.stderr)
    return 0


def compare(bench: str, other: Tree, ours: Tree, rounds: int, arguments: Sequence[str] = ()) -> list[Row]:
    """Run one bench in both trees, ``rounds`` times each. Raises CompareError where a run fails."""
    results: dict[str, list[dict[str, Any]]] = {other.name: [], ours.name: []}
    for number in range(rounds):
        for tree in (other, ours) if number % 2 == 0 else (ours, other):
            print(
                f"compare: {bench}, round {number + 1} of {rounds}, {tree.name}", file=sys.stderr, flush=True
            )
            results[tree.name].append(figures_of(tree, bench, arguments))
    return rows_of(results[other.name], results[ours.name])


def figures_of(tree: Tree, bench: str, arguments: Sequence[str]) -> dict[str, Any]:
    """The figures of one run, as the bench prints them."""
    command = [str(tree.python), "-m", "tests.bench", bench, *arguments]
    done = subprocess.run(command, cwd=tree.folder, stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise CompareError(f"{bench} of {tree.name} failed with status {done.returncode}")
    figures: dict[str, Any] = json.loads(done.stdout)["figures"]
    return figures


def rows_of(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> list[Row]:
    """A row for each figure that one of the trees has, in the order in which they come."""
    units = {key: figure["unit"] for run in (*before, *after) for key, figure in run.items()}
    return [Row(key, unit, _medians(before, key), _medians(after, key)) for key, unit in units.items()]


def as_json(against: str, rounds: int, benches: dict[str, list[Row]]) -> dict[str, Any]:
    """The object that is printed."""
    return {
        "against": against,
        "rounds": rounds,
        "machine": machine(),
        "benches": {
            name: {
                row.key: {
                    "before": row.before,
                    "after": row.after,
                    "rounds": {"before": row.befores, "after": row.afters},
                    "unit": row.unit,
                    "ratio": _rounded(row.ratio),
                    "worse": _rounded(row.worse),
                }
                for row in rows
            }
            for name, rows in benches.items()
        },
    }


def as_table(benches: dict[str, list[Row]]) -> str:
    """For people; the worst figure of each bench first."""
    lines = [f"{'BENCH':14} {'FIGURE':44} {'BEFORE':>10} {'AFTER':>10} {'UNIT':10} {'WORSE':>6}"]
    for name, rows in benches.items():
        for row in sorted(rows, key=lambda row: row.worse or 0, reverse=True):
            worse = f"{row.worse:.2f}x" if row.worse is not None else "-"
            before, after = (f"{value:g}" if value is not None else "-" for value in (row.before, row.after))
            lines.append(f"{name:14} {row.key:44} {before:>10} {after:>10} {row.unit:10} {worse:>6}")
    return "\n".join(lines)


@contextmanager
def other_tree(commit: str) -> Iterator[Tree]:
    """The files of a commit in a temporary folder, with a Python that imports from there. Raises CompareError."""
    with tempfile.TemporaryDirectory(prefix="libvirt-webrtc-compare-") as name:
        # QEMU runs as another user, and reads the tree's demo guests.
        os.chmod(name, 0o755)
        folder = Path(name) / "tree"
        folder.mkdir()
        archive = subprocess.run(
            ["git", "-C", str(world.CHECKOUT), "archive", commit], capture_output=True, check=False
        )
        if archive.returncode != 0:
            raise CompareError(f"git has no tree of {commit}: {archive.stderr.decode().strip()}")
        subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
        yield Tree(commit, folder, environment(Path(name) / "environment", folder))


def environment(folder: Path, tree: Path) -> Path:
    """A virtual environment with the packages of this one, whose own package is ``tree``'s; its Python.

    Our packages are added as a plain path, so that Python does not read the ``.pth`` file there by which this checkout
    is installed.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    packages = dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
    lines = [str(tree), *packages]
    (Path(paths["purelib"]) / "compare.pth").write_text("".join(f"{line}\n" for line in lines))
    return folder / "bin" / "python"


def _medians(runs: Sequence[dict[str, Any]], key: str) -> tuple[float, ...]:
    return tuple(run[key]["median"] for run in runs if key in run)


def _rounded(value: float | None) -> float | None:
    return round(value, 3) if value is not None else None
