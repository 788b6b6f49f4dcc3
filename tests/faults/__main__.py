"""``python -m tests.faults``: bring every fault about, and print what was measured as one JSON object.

Ends with 0 where all is green, 1 where something is red, 2 where it cannot run. Needs root: it has a libvirtd, a
network and processes of its own. Progress goes to standard error.
"""

import argparse
import asyncio
import json
import os
import shutil
import sys
import traceback
from typing import Any

from tests.bench import world
from tests.support.emulators import EMULATORS_VARIABLE
from tests.support.libvirtd import PRIVATE_VARIABLE

OWN_VARIABLE = "LIBVIRT_WEBRTC_FAULTS_WORLD"
"""Set to 1 in the private world of this program; that of the tests has a libvirtd which others use."""


def main() -> int:
    """The exit status."""
    try:
        world.check_installed()
    except world.NotInstalled as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    # Only now: they import what may be missing.
    from tests.faults import report
    from tests.faults.registry import SCENARIOS

    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--list", action="store_true", help="print the scenarios, and run none")
    parser.add_argument(
        "--only", action="append", choices=SCENARIOS, metavar="NAME", help="run this one; may be repeated"
    )
    parser.add_argument("--quick", action="store_true", help="run those that take seconds")
    parser.add_argument(
        "--long", action="store_true", help="with the numbers of the table, which take minutes each"
    )
    parser.add_argument("--write", action="store_true", help=f"write the results into {report.DOCUMENT.name}")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(f"{each.name:20} {each.fault}" for each in SCENARIOS.values()))
        return 0
    if os.geteuid() != 0:
        print("error: the faults need root", file=sys.stderr)
        return 2
    _enter(sys.argv[1:])
    chosen = [
        each
        for each in SCENARIOS.values()
        if (not arguments.only or each.name in arguments.only) and (not arguments.quick or each.quick)
    ]
    result = asyncio.run(_run(chosen, long=arguments.long))
    print(json.dumps(result, indent=2))
    if arguments.write:
        report.write(result)
    return 0 if result["ok"] else 1


async def _run(chosen: list[Any], *, long: bool) -> dict[str, Any]:
    from tests.bench.machine import machine, versions
    from tests.faults.scene import open_scene, progress

    described = machine()
    results = []
    for scenario in chosen:
        progress(f"--- {scenario.name}")
        measured, error = [], None
        try:
            async with open_scene(long=long) as scene:
                measured = [each.as_json() for each in await scenario.run(scene)]
        except Exception as failure:
            # A scenario that cannot be carried through is red, and the others are run.
            traceback.print_exc()
            error = f"{type(failure).__name__}: {failure}"
        ok = error is None and all(each["ok"] for each in measured)
        progress(f"{'green' if ok else 'RED'}: {scenario.name}")
        results.append({"name": scenario.name, "ok": ok, "error": error, "measured": measured})
    return {
        "ok": all(each["ok"] for each in results),
        "long": long,
        "machine": {**described, "load_after": machine()["load"]},
        "versions": versions(),
        "scenarios": results,
    }


def _enter(arguments: list[str]) -> None:
    """Start over in a private world of this program's own; returns there."""
    if os.environ.get(OWN_VARIABLE) == "1":
        return
    os.environ[world.GUESTS_VARIABLE] = str(world.guests())
    os.environ.setdefault(EMULATORS_VARIABLE, shutil.which("qemu-system-x86_64") or "")
    os.environ[OWN_VARIABLE] = "1"
    os.environ.pop(PRIVATE_VARIABLE, None)
    program = [str(world.PRIVATE_WORLD), sys.executable, "-m", "tests.faults", *arguments]
    os.execv(world.PRIVATE_WORLD, program)


if __name__ == "__main__":
    sys.exit(main())
