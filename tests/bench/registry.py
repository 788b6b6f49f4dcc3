"""The benches by name. A new one is a coroutine from a Stage, or from Options alone, to Figures, and a line here."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from tests.bench import (
    convert,
    encode,
    fanout,
    far_input,
    first_picture,
    frames,
    gl,
    hook,
    idle,
    ingest,
    latency,
    netem,
    recovery,
    refine,
    revocation,
    soak,
)
from tests.bench.figures import Figures, as_json
from tests.bench.machine import machine, versions
from tests.bench.stage import Options, Stage, open_stage


@dataclass(frozen=True, slots=True)
class Bench:
    """A bench on a :class:`Stage`: what it runs, and how often by default."""

    name: str
    run: Callable[[Stage], Awaitable[Figures]]
    runs: int

    async def measure(self, options: Options) -> dict[str, Any]:
        """Run it; the object that is printed."""
        described = machine()
        async with open_stage(options) as stage:
            used = versions(f"{options.browser} {stage.browser.version}")
            figures = await self.run(stage)
        return _result(self.name, options, described, used, figures)


@dataclass(frozen=True, slots=True)
class BareBench:
    """A bench that needs no :class:`Stage`: neither libvirt, nor a guest, nor a browser."""

    name: str
    run: Callable[[Options], Awaitable[Figures]]
    runs: int

    async def measure(self, options: Options) -> dict[str, Any]:
        """Run it; the object that is printed."""
        described = machine()
        return _result(self.name, options, described, versions(), await self.run(options))


def _result(
    name: str, options: Options, described: dict[str, Any], used: dict[str, str], figures: Figures
) -> dict[str, Any]:
    return {
        "bench": name,
        "options": asdict(options),
        "machine": {**described, "load_after": machine()["load"]},
        "versions": used,
        "figures": as_json(figures),
    }


BENCHES: dict[str, Bench | BareBench] = {
    bench.name: bench
    for bench in (
        Bench("first_picture", first_picture.run, runs=100),
        Bench("frames", frames.run, runs=5),
        Bench("latency", latency.run, runs=100),
        Bench("refine", refine.run, runs=5),
        Bench("recovery", recovery.run, runs=10),
        Bench("revocation", revocation.run, runs=10),
        BareBench("convert", convert.run, runs=20),
        BareBench("encode", encode.run, runs=3),
        BareBench("fanout", fanout.run, runs=3),
        BareBench("far_input", far_input.run, runs=200),
        BareBench("gl", gl.run, runs=10),
        BareBench("hook", hook.run, runs=200),
        BareBench("idle", idle.run, runs=50),
        BareBench("ingest", ingest.run, runs=20),
        BareBench("netem", netem.run, runs=3),
        BareBench("soak", soak.run, runs=70),
    )
}
