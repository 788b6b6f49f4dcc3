"""``python -m tests.bench NAME``: run a bench, print its figures as one JSON object.

``python -m tests.bench compare --against COMMIT`` runs benches of two commits side by side: see compare.py.
"""

import argparse
import asyncio
import json
import sys

from tests.bench import world


def main() -> int:
    """0, or 1 with the reason on standard error."""
    try:
        world.check_installed()
    except world.NotInstalled as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if sys.argv[1:2] == ["compare"]:
        from tests.bench import compare

        world.enter(sys.argv[1:])
        return compare.main(sys.argv[2:])
    # Only now: they import what may be missing.
    from tests.bench.registry import BENCHES
    from tests.bench.stage import Options
    from tests.support.browsers import BROWSERS

    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("bench", choices=BENCHES)
    parser.add_argument("--runs", type=int, help="how often to measure (default: as the bench sees fit)")
    parser.add_argument("--guest", choices=("linux", "baremetal"), default="linux")
    parser.add_argument(
        "--seconds", type=float, default=30.0, help="idle: how long to watch (default: %(default)g)"
    )
    parser.add_argument("--browser", choices=BROWSERS, default="chromium")
    parser.add_argument(
        "--transport",
        choices=("webrtc", "websocket"),
        default="webrtc",
        help="latency: websocket measures that one as well, beside WebRTC (default: %(default)s)",
    )
    parser.add_argument(
        "--size", type=_size, default=(1920, 1080), help="frames, latency: the guest's (default: 1920x1080)"
    )
    arguments = parser.parse_args()
    world.enter(sys.argv[1:])
    bench = BENCHES[arguments.bench]
    options = Options(
        runs=arguments.runs or bench.runs,
        guest=arguments.guest,
        seconds=arguments.seconds,
        browser=arguments.browser,
        transport=arguments.transport,
        size=arguments.size,
    )
    result = asyncio.run(bench.measure(options))
    print(json.dumps(result, indent=2))
    return 0


def _size(text: str) -> tuple[int, int]:
    width, height = map(int, text.split("x"))
    return width, height


if __name__ == "__main__":
    sys.exit(main())
