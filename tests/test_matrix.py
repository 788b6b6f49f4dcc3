"""The bounds in pyproject.toml are what was tried: no release that may have moved something is let in untried."""

import pytest

from tests import matrix


def test_every_library_that_is_reached_into_has_both_bounds() -> None:
    assert matrix.bounds().keys() == matrix.REACHED_INTO.keys()
    for required in matrix.bounds().values():
        assert {each.operator for each in required.specifier} == {">=", "<"}, required


@pytest.mark.parametrize("name", matrix.REACHED_INTO)
def test_bounds_are_what_was_tried(name: str) -> None:
    required, tried, numbers = matrix.bounds()[name], matrix.recorded(), matrix.REACHED_INTO[name]
    assert matrix.lowest(required) == f"{name}=={tried['lowest'][name]}"
    *same, last = tried["highest"][name].release[:numbers]
    assert matrix.limit(required, "<").release[:numbers] == (*same, last + 1), "tried, and no further"


@pytest.mark.long
def test_both_ends_pass() -> None:
    tried = matrix.run()
    assert tried["lowest"] == matrix.recorded()["lowest"]
