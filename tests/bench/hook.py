"""How long libvirt waits for our hook, operation by operation; needs neither libvirt nor a browser."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from libvirt_webrtc.domains.definition.policy import Policy
from libvirt_webrtc.hook.check import FILTERS, OPERATIONS, PLAIN, run_hook
from libvirt_webrtc.hook.install import Hook, install_hook
from libvirt_webrtc.hook.policy_file import FILE_NAME, write_policy
from tests.bench.figures import Figure, Figures
from tests.bench.stage import Options, progress
from tests.support.hook_faults import make_environment, python_fault


async def run(options: Options) -> Figures:
    """Run the hook with every operation, in turn; then a restore with each way in which Python can keep it waiting."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        policy = folder / "state" / FILE_NAME
        write_policy(policy, Policy.of("all", "auto"))
        hook = install_hook(folder / "hooks", make_environment(folder / "environment"), policy)
        samples: dict[str, list[float]] = {operation: [] for operation, _ in OPERATIONS}
        for number in range(options.runs):
            for operation, step in OPERATIONS:
                samples[operation].append(_measure(hook, operation, step))
            if (number + 1) % 20 == 0:
                progress(f"hook {number + 1}/{options.runs}")
        figures = {f"{operation}_ms": Figure.of(values) for operation, values in samples.items()}
        for fault in ("missing", "hanging"):
            with ExitStack() as stack:
                stack.enter_context(python_fault(hook.python, fault))
                values = [
                    _measure(hook, "restore", "begin", lost=True) for _ in range(max(options.runs // 10, 1))
                ]
            figures[f"restore_python_{fault}_ms"] = Figure.of(values)
        return figures


def _measure(hook: Hook, operation: str, step: str, *, lost: bool = False) -> float:
    """Milliseconds from exec to exit. What it does is checked as well, or its time would say nothing; on a busy machine
    Python may run out of time, though."""
    done = run_hook(hook, operation, step, PLAIN)
    if done.status != 0 or (done.output and (lost or operation not in FILTERS)):
        raise AssertionError(f"{operation}: status {done.status}, {len(done.output)} bytes")
    return done.took_s * 1000
