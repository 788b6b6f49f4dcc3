"""What a scenario is: a fault of the table in docs/reliability.md, what is measured of it, and within which bound."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from tests.faults.scene import Scene


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure, and the largest value with which it is green."""

    what: str
    value: float
    bound: float
    unit: str = "s"

    @property
    def ok(self) -> bool:
        return self.value <= self.bound

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "ok": self.ok}


@dataclass(frozen=True, slots=True)
class Scenario:
    """One fault, or a few that are one row of the table."""

    name: str
    fault: str
    """As the table says it."""
    must: str
    """What must happen, as the table says it."""
    run: Callable[[Scene], Awaitable[list[Measured]]]
    quick: bool = False
    """Whether it takes seconds, and so is run with the tests."""
