"""What a bench measured, in the form in which it is printed."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """Many measurements of one thing."""

    median: float
    p95: float
    n: int
    unit: str

    @classmethod
    def of(cls, samples: Sequence[float], unit: str = "ms") -> "Figure":
        """Of at least one sample; p95 is the smallest one that 95 in 100 do not exceed (nearest rank)."""
        ordered = sorted(samples)
        rank = math.ceil(0.95 * len(ordered))
        return cls(round(statistics.median(ordered), 2), round(ordered[rank - 1], 2), len(ordered), unit)


Figures = dict[str, Figure]


def as_json(figures: Figures) -> dict[str, dict[str, float | int | str]]:
    """Key to ``{"median": ..., "p95": ..., "n": ..., "unit": ...}``."""
    return {key: asdict(figure) for key, figure in figures.items()}
