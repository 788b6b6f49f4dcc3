"""Two commits side by side."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import compare
from tests.bench.compare import Row, as_table, environment, rows_of
from tests.bench.world import CHECKOUT


def run_of(**figures: float) -> dict[str, dict[str, object]]:
    return {key: {"median": value, "unit": "ms"} for key, value in figures.items()}


def test_a_figures_value_is_the_median_of_its_rounds() -> None:
    (row,) = rows_of([run_of(a=1), run_of(a=9), run_of(a=2)], [run_of(a=3), run_of(a=3), run_of(a=90)])
    assert (row.before, row.after, row.ratio, row.worse) == (2, 3, 1.5, 1.5)


@pytest.mark.parametrize(
    ("key", "unit"), [("scroll_fps", "frames/s"), ("psnr", "dB"), ("aiortc_over_ours_cpu", "ratio")]
)
def test_what_should_grow_is_worse_where_it_shrinks(key: str, unit: str) -> None:
    assert Row(key, unit, (30,), (15,)).worse == 2


def test_a_figure_that_one_of_them_lacks_has_no_ratio() -> None:
    rows = rows_of([run_of(gone=1, zero=0)], [run_of(new=1, zero=1)])
    assert [(row.key, row.before, row.after, row.worse) for row in rows] == [
        ("gone", 1, None, None),
        ("zero", 0, 1, None),
        ("new", None, 1, None),
    ]
    assert "new" in as_table({"bench": rows})


def test_the_other_tree_imports_its_own_package_and_our_dependencies(tmp_path: Path) -> None:
    package = tmp_path / "tree" / "libvirt_webrtc"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("OTHER = True\n")
    python = environment(tmp_path / "environment", tmp_path / "tree")
    code = "import libvirt_webrtc, aiortc; print(libvirt_webrtc.OTHER)"
    assert subprocess.check_output([python, "-c", code], cwd=tmp_path, text=True) == "True\n"


@pytest.mark.libvirt
def test_compare_prints_a_ratio_for_each_figure(libvirt_uri: str, guests: Path) -> None:
    if subprocess.run(["git", "-C", CHECKOUT, "rev-parse", "HEAD"], capture_output=True).returncode != 0:
        pytest.skip("needs a git checkout")
    arguments = ("--against", "HEAD", "--bench", "convert", "--rounds", "1", "--runs", "1")
    command = [sys.executable, "-m", "tests.bench", "compare", *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)["benches"]["convert"]
    assert all(figure["ratio"] > 0 for figure in figures.values())
    table = done.stderr.splitlines()[-len(figures) - 1 :]
    assert table[0].split() == ["BENCH", "FIGURE", "BEFORE", "AFTER", "UNIT", "WORSE"]


def test_a_commit_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main(["--against", "no-such-commit"]) == 1
    assert "error: git has no tree of no-such-commit" in capsys.readouterr().err
