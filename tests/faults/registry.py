"""The scenarios, in the order of the table. A new one is a coroutine from a Scene to what it measured, and an entry."""

from tests.faults import (
    bad_path,
    disk_and_clock,
    fork_server,
    guest_changes,
    hook_fed,
    hostile,
    libvirt_away,
    many_domains,
    portal_restarted,
    qemu_killed,
    viewer_gone,
    viewers_come_and_go,
    worker_fails,
)
from tests.faults.scenario import Scenario

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "libvirt_away",
            "libvirtd restarted, or frozen (SIGSTOP)",
            "live streams go on; the list comes back within 5 s of its return; portal keeps answering meanwhile",
            libvirt_away.run,
        ),
        Scenario(
            "qemu_killed",
            "QEMU killed -9",
            '"stopped" within 1 s, worker gone, no other console drops a frame',
            qemu_killed.run,
            quick=True,
        ),
        Scenario(
            "guest_changes",
            "guest paused, rebooted, saved, restored, mode changed 400 times",
            "same page, same peer connection where QEMU is the same; last frame with a badge otherwise; no growth",
            guest_changes.run,
        ),
        Scenario(
            "worker_fails",
            "worker kill -9 / SIGSTOP",
            "that console only; picture back within 3 s; QEMU's growth ends within 2 s and is given back; "
            "a crash loop gets a breaker and a readable state",
            worker_fails.run,
        ),
        Scenario(
            "viewer_gone",
            "tab closed or network gone",
            "held keys released and resources freed within 5 s",
            viewer_gone.run,
        ),
        Scenario(
            "viewers_come_and_go",
            "100 viewers come and go, half of them abruptly",
            "RSS +10 MB at most; 0 fds, 0 threads more",
            viewers_come_and_go.run,
        ),
        Scenario(
            "many_domains",
            "50 domains at once, idle",
            "all listed; at most 15 MB PSS and 0.3% of a core each",
            many_domains.run,
        ),
        Scenario(
            "bad_path",
            "loss 3%, 100 ms, 4 Mbit/s",
            "no freeze over 2 s, input p95 at most 250 ms one way, other viewers untouched",
            bad_path.run,
        ),
        Scenario(
            "hostile",
            "malformed SDP, JSON, binary input; 500+ messages/s",
            "that request or viewer is refused with a clear error; nobody else notices",
            hostile.run,
        ),
        Scenario(
            "hook_fed",
            "hook fed hostile, huge (4 MB), truncated, empty XML; Python missing; Python hanging",
            "exit 0, output empty or whole; the guest starts; at most 2 s",
            hook_fed.run,
        ),
        Scenario(
            "portal_restarted",
            "portal restarted with viewers",
            "sessions live on; the page reconnects by itself within 5 s, without a new sign-in",
            portal_restarted.run,
        ),
        Scenario(
            "fork_server",
            "fork server killed or stopped",
            "consoles back within 3 s; nothing shown as ready that is not",
            fork_server.run,
            quick=True,
        ),
        Scenario(
            "disk_and_clock",
            "disk full for logs, clock jump of an hour",
            "service goes on; sessions and tickets use the monotonic clock",
            disk_and_clock.run,
        ),
    )
}
