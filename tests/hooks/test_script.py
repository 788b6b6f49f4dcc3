"""``hooks/qemu`` in every shell that may be /bin/sh: whatever is wrong, it ends well and prints all or nothing."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from libvirt_webrtc.domains.definition.policy import Policy
from libvirt_webrtc.hook.check import DEAD_BUS, FILTERS, OPERATIONS, PLAIN
from libvirt_webrtc.hook.install import Hook, install_hook
from libvirt_webrtc.hook.policy_file import write_policy
from tests.support.domain_xml import add_dbus_display, find_dbus_display
from tests.support.hook_faults import PATIENT_S, PYTHON_FAULTS, python_fault, set_python_limit

SHELLS = [shell for shell in ("dash", "bash") if shutil.which(shell)]
ENDS_S = 60.0
"""Only guards against waiting for ever."""


@dataclass(frozen=True, slots=True)
class Script:
    """An installed hook and the shell that runs it."""

    shell: str
    hook: Hook

    def run(
        self,
        operation: str,
        step: str = "begin",
        stdin: str | bytes = PLAIN,
        environment: Mapping[str, str] | None = None,
        wrapper: tuple[str, ...] = (),
    ) -> bytes:
        """What it prints. That it ends with 0 is asserted for every run there is."""
        done = subprocess.run(
            [*wrapper, f"/bin/{self.shell}", self.hook.path, "a guest", operation, step, "-"],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            timeout=ENDS_S,
            env=environment,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def edit(self, old: str, new: str) -> None:
        text = self.hook.path.read_text()
        assert old in text
        self.hook.path.write_text(text.replace(old, new))


@pytest.fixture(params=SHELLS)
def script(request: pytest.FixtureRequest, tmp_path: Path, environment: Path) -> Script:
    policy = tmp_path / "state" / "hook-policy.json"
    write_policy(policy, Policy.of("all", "auto"))
    return Script(request.param, install_hook(tmp_path / "hooks", environment, policy))


@pytest.fixture
def patient(script: Script) -> Script:
    """With time enough for Python on the busiest machine."""
    set_python_limit(script.hook.path, PATIENT_S)
    return script


@pytest.mark.parametrize(("operation", "step"), [each for each in OPERATIONS if each[0] not in FILTERS])
def test_elsewhere_it_is_silent_and_starts_no_python(script: Script, operation: str, step: str) -> None:
    trace = script.hook.path.with_name("started")
    script.hook.python.unlink()
    script.hook.python.write_text(f"#!/bin/sh\ntouch '{trace}'\n")
    script.hook.python.chmod(0o755)
    assert script.run(operation, step, DEAD_BUS) == b""
    assert not trace.exists()


@pytest.mark.parametrize("operation", sorted(FILTERS))
def test_a_saved_or_migrating_guest_gets_the_display_once(patient: Script, operation: str) -> None:
    answer = patient.run(operation).decode()
    assert answer == add_dbus_display(PLAIN)
    assert patient.run(operation, stdin=answer) == b""


@pytest.mark.parametrize("step", ["end", "", "begin "])
def test_only_the_begin_of_a_restore_counts(script: Script, step: str) -> None:
    assert script.run("restore", step) == b""


def test_called_with_nothing_at_all_it_is_silent(script: Script) -> None:
    done = subprocess.run([script.hook.path], input=b"", capture_output=True, timeout=ENDS_S)
    assert (done.returncode, done.stdout) == (0, b"")


@pytest.mark.parametrize("fault", PYTHON_FAULTS)
def test_whatever_python_does_nothing_is_printed(script: Script, fault: str) -> None:
    with python_fault(script.hook.python, fault):
        assert script.run("restore") == b""


def test_an_answer_that_was_cut_is_not_printed(script: Script, tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    xml = DEAD_BUS.rstrip().encode()
    whole = f"libvirt-webrtc {hashlib.sha256(xml).hexdigest()}  -\n".encode() + xml
    script.hook.python.unlink()
    script.hook.python.write_text(f"#!/bin/sh\ncat '{answer}'\n")
    script.hook.python.chmod(0o755)
    answer.write_bytes(whole)
    assert script.run("restore") == xml + b"\n"
    for length in [*range(0, len(whole), 31), 83, 84, 85, len(whole) - 1]:
        answer.write_bytes(whole[:length])
        assert script.run("restore") == b"", length
    answer.write_bytes(whole.replace(b"vga", b"qxl"))
    assert script.run("restore") == b""


@pytest.mark.parametrize(
    "stdin",
    [
        "",
        "<domain",
        PLAIN[:200],
        "<domain/>" + PLAIN,
        "<network/>",
        "\0" * 5000,
        b"\xff\xfe" * 2000,
        '<!DOCTYPE domain [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><domain><name>&b;</name></domain>',
        '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><domain><name>&x;</name></domain>',
        "<domain>" + "<a>" * 100_000 + "</a>" * 100_000 + "</domain>",
    ],
    ids=["empty", "open", "cut", "twice", "network", "zeros", "no-utf8", "entities", "file", "deep"],
)
def test_what_is_no_domain_stays_as_it_is(patient: Script, stdin: str | bytes) -> None:
    assert patient.run("restore", stdin=stdin) == b""


def test_a_domain_of_almost_4_mb_gets_the_display(patient: Script) -> None:
    padding = "<description>" + "ä & ö".replace("&", "&amp;") * ((4 << 20) // 14) + "</description>"
    big = PLAIN.replace("</name>", f"</name>{padding}")
    assert 3 << 20 < len(big.encode()) <= 4 << 20
    answer = patient.run("restore", stdin=big).decode()
    assert find_dbus_display(answer) is not None
    assert padding in answer


@pytest.mark.parametrize("operation", ["start", "reconnect", "restore"])
@pytest.mark.parametrize("size", [4 << 20, 9 << 20])
def test_more_than_that_stays_as_it_is(script: Script, operation: str, size: int) -> None:
    big = PLAIN.replace("</name>", "</name><description>" + "x" * size + "</description>")
    assert script.run(operation, stdin=big) == b""


def test_4_mb_are_read_to_the_end_whatever_becomes_of_python(script: Script) -> None:
    with python_fault(script.hook.python, "missing"):
        for operation in ("start", "restore"):
            process = subprocess.Popen(
                [f"/bin/{script.shell}", script.hook.path, "guest", operation, "begin", "-"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                bufsize=0,
            )
            assert process.stdin is not None
            left = memoryview(bytes(4 << 20))
            while left:
                left = left[process.stdin.write(left) :]  # BrokenPipeError where nobody reads
            process.stdin.close()
            assert process.wait(ENDS_S) == 0


def test_input_that_never_ends_does_not_keep_it(script: Script) -> None:
    reader, writer = os.pipe()
    try:
        for operation in ("start", "restore"):
            done = subprocess.run(
                [f"/bin/{script.shell}", script.hook.path, "guest", operation, "begin", "-"],
                stdin=reader,
                capture_output=True,
                timeout=ENDS_S,
            )
            assert (done.returncode, done.stdout) == (0, b"")
    finally:
        os.close(reader)
        os.close(writer)


def test_one_limit_of_less_than_2_s_is_over_all_that_may_hang(script: Script) -> None:
    # What it takes in fact depends on the machine; libvirt waits for each of these in turn, one for each operation.
    limits = re.findall(r"^(\w+)_limit_s=([\d.]+)", script.hook.path.read_text(), re.MULTILINE)
    assert dict(limits).keys() == {"rewrite", "drain"}
    assert max(float(limit_s) for _, limit_s in limits) < 2


@pytest.mark.parametrize("operation", ["restore", "reconnect"])
def test_few_descriptors_do_not_fail_it(script: Script, operation: str) -> None:
    # A program that needs a library cannot be started with 3.
    for descriptors in range(4, 24):
        done = subprocess.run(
            ["prlimit", f"--nofile={descriptors}", script.hook.path, "guest", operation, "begin", "-"],
            input=PLAIN.encode(),
            capture_output=True,
            timeout=ENDS_S,
        )
        assert done.returncode == 0, (descriptors, done.stderr)


def test_the_callers_environment_changes_nothing(patient: Script, tmp_path: Path) -> None:
    evil = tmp_path / "evil" / "libvirt_webrtc"
    evil.mkdir(parents=True)
    (evil / "__init__.py").write_text("raise SystemExit('not this one')")
    (tmp_path / "evil" / "timeout").write_text("#!/bin/sh\necho evil\n")
    (tmp_path / "evil" / "timeout").chmod(0o755)
    environment = {
        "PATH": str(tmp_path / "evil"),
        "PYTHONPATH": str(tmp_path / "evil"),
        "PYTHONHOME": "/nonexistent",
        "PYTHONSTARTUP": "/nonexistent",
        "LC_ALL": "tr_TR.UTF-8",
        "LD_PRELOAD": "/nonexistent.so",
        "TMPDIR": "/nonexistent",
        "HOME": "/nonexistent",
        "IFS": "lvw",
        "python": "/nonexistent",
        "policy": "/nonexistent",
    }
    assert patient.run("restore", environment=environment).decode() == add_dbus_display(PLAIN)


@pytest.mark.parametrize("tool", ["timeout", "head", "sha256sum"])
def test_without_one_of_its_tools_it_is_silent(script: Script, tmp_path: Path, tool: str) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for each in {"timeout", "head", "sha256sum"} - {tool}:
        (tools / each).symlink_to(f"/usr/bin/{each}")
    script.edit("\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n", f"\nPATH='{tools}'\n")
    assert script.run("restore") == b""
    assert script.run("start") == b""


def test_as_shipped_it_is_silent() -> None:
    shipped = Path(__file__).parents[2] / "hooks" / "qemu"
    for operation in ("restore", "start"):
        done = subprocess.run(
            [shipped, "a", operation, "begin", "-"], input=PLAIN.encode(), capture_output=True
        )
        assert (done.returncode, done.stdout) == (0, b"")


@pytest.mark.parametrize("descriptor", [0, 1, 2])
def test_a_closed_descriptor_does_not_fail_it(script: Script, descriptor: int) -> None:
    for operation in ("restore", "start"):
        command = f'exec "$0" "$@" {descriptor}>&-'
        script.run(operation, wrapper=("/bin/sh", "-c", command))


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user, whose processes are counted from 0")
@pytest.mark.parametrize("operation", ["restore", "start"])
def test_where_no_process_can_be_made_it_ends_well(tmp_path: Path, operation: str) -> None:
    # dash only: bash tries again for 15 s before it ends well.
    shipped = tmp_path / "qemu"
    shutil.copy(Path(__file__).parents[2] / "hooks" / "qemu", shipped)
    os.chmod(tmp_path, 0o755)
    done = subprocess.run(
        ["setpriv", "--reuid", "54321", "--clear-groups", "prlimit", "--nproc=1"]
        + ["/bin/dash", "/dev/fd/3", "a", operation, "begin", "-"],
        input=PLAIN.encode(),
        capture_output=True,
        timeout=ENDS_S,
        preexec_fn=lambda: os.dup2(os.open(shipped, os.O_RDONLY), 3),
        pass_fds=(3,),
    )
    assert (done.returncode, done.stdout) == (0, b"")
