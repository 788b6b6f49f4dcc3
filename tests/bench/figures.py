"""What a bench measured, in the form in which it is printed."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """Many measurements of one thing."""

    p5: float
    median: float
    p95: float
    p99: float
    n: int
    unit: str

    @classmethod
    def of(cls, samples: Sequence[float], unit: str = "ms") -> "Figure":
        """Of at least one sample; p95 is the smallest one that 95 in 100 do not exceed (nearest rank), and so on."""
        ordered = sorted(samples)
        p5, p95, p99 = (
            round(ordered[math.ceil(share * len(ordered)) - 1], 2) for share in (0.05, 0.95, 0.99)
        )
        return cls(p5, round(statistics.median(ordered), 2), p95, p99, len(ordered), unit)


Figures = dict[str, Figure]


def as_json(figures: Figures) -> dict[str, dict[str, float | int | str]]:
    """Key to ``{"p5": ..., "median": ..., "p95": ..., "p99": ..., "n": ..., "unit": ...}``."""
    return {key: asdict(figure) for key, figure in figures.items()}
