"""The benches by name. A new one is a coroutine that takes a Stage and returns Figures, and a line here."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from tests.bench import first_picture, latency, recovery
from tests.bench.figures import Figures, as_json
from tests.bench.machine import machine, versions
from tests.bench.stage import Options, Stage, open_stage


@dataclass(frozen=True, slots=True)
class Bench:
    """One bench: what it runs, and how often unless told."""

    name: str
    run: Callable[[Stage], Awaitable[Figures]]
    runs: int

    async def measure(self, options: Options) -> dict[str, Any]:
        """Run it; the object that is printed."""
        described = machine()
        async with open_stage(options) as stage:
            used = versions(stage.browser.version)
            figures = await self.run(stage)
        return {
            "bench": self.name,
            "options": asdict(options),
            "machine": {**described, "load_after": machine()["load"]},
            "versions": used,
            "figures": as_json(figures),
        }


BENCHES = {
    bench.name: bench
    for bench in (
        Bench("first_picture", first_picture.run, runs=100),
        Bench("latency", latency.run, runs=100),
        Bench("recovery", recovery.run, runs=10),
    )
}
