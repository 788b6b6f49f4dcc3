"""The hook in libvirt's folder: put there, tried, taken away, and nothing else touched."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from libvirt_webrtc.cli import main
from libvirt_webrtc.concurrency.processes import Finished
from libvirt_webrtc.domains.definition.policy import Policy
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.hook import install as hook_install
from libvirt_webrtc.hook import script as hook_script
from libvirt_webrtc.hook.check import Level, check_hook
from libvirt_webrtc.hook.install import (
    SCRIPT,
    find_hook,
    install_hook,
    is_known,
    running_daemons,
    tell_daemon,
    uninstall_hook,
)
from libvirt_webrtc.hook.policy_file import FILE_NAME, write_policy
from libvirt_webrtc.hook.script import MARK, SHELL_LINE, script_source
from tests.support.hook_faults import PATIENT_S, make_environment, set_python_limit
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("it's an environment"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "etc" / "libvirt" / "hooks"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "state" / FILE_NAME
    write_policy(path, Policy.of("all", "auto"))
    return path


@pytest.fixture
def daemon() -> Iterator["subprocess.Popen[bytes]"]:
    # Under nohup, whoever runs the tests ignores SIGHUP, and so would every child.
    with subprocess.Popen(["env", "--default-signal=HUP", "sleep", "1000"]) as process:
        yield process
        process.kill()


def test_it_finds_again_what_it_installed(folder: Path, python: Path, policy: Path) -> None:
    hook = install_hook(folder, python, policy)
    assert find_hook(folder) == hook
    assert hook.path == folder / "qemu.d" / SCRIPT
    assert hook.path.stat().st_mode & 0o777 == 0o755
    assert subprocess.run(["sh", "-n", hook.path]).returncode == 0


def test_what_was_installed_goes_and_the_folders_with_it(
    tmp_path: Path, folder: Path, python: Path, policy: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    install_hook(folder, python, policy)
    install_hook(folder, python, policy)
    assert uninstall_hook(folder) is not None
    assert sorted(tmp_path.rglob("*")) == before
    assert uninstall_hook(folder) is None


def test_hooks_of_others_stay_as_they_are(folder: Path, python: Path, policy: Path) -> None:
    (folder / "qemu.d").mkdir(parents=True)
    others = {folder / "qemu": "#!/bin/sh\nexit 0\n", folder / "qemu.d" / "10-other": "#!/bin/sh\n"}
    for path, text in others.items():
        path.write_text(text)
        path.chmod(0o755)
    install_hook(folder, python, policy)
    uninstall_hook(folder)
    assert {path: path.read_text() for path in folder.rglob("*") if path.is_file()} == others
    assert all(path.stat().st_mode & 0o777 == 0o755 for path in others)


def test_folders_that_others_use_by_now_stay(folder: Path, python: Path, policy: Path) -> None:
    install_hook(folder, python, policy)
    (folder / "qemu.d" / "10-other").touch()
    uninstall_hook(folder)
    assert list((folder / "qemu.d").iterdir()) == [folder / "qemu.d" / "10-other"]


@pytest.mark.parametrize("kind", ["script", "empty", "link", "folder"])
def test_something_else_in_its_place_is_never_replaced(
    folder: Path, python: Path, policy: Path, kind: str
) -> None:
    place = folder / "qemu.d" / SCRIPT
    place.parent.mkdir(parents=True)
    if kind == "link":
        place.symlink_to("/bin/true")
    elif kind == "folder":
        place.mkdir()
    else:
        place.write_text("#!/bin/sh\necho mine\n" if kind == "script" else "")
    before = place.lstat()
    with pytest.raises(ConfigError, match=SCRIPT):
        install_hook(folder, python, policy)
    with pytest.raises(ConfigError, match=SCRIPT):
        uninstall_hook(folder)
    assert place.lstat() == before
    assert [finding.level for finding in check_hook(folder)] == [Level.PROBLEM]


def test_an_older_one_of_ours_is_brought_up_to_date(folder: Path, python: Path, policy: Path) -> None:
    hook = install_hook(folder, python, policy)
    hook.path.write_text(hook.path.read_text().replace("exit 0", "exit 0 # of old"))
    assert any("another version" in finding.text for finding in check_hook(folder))
    install_hook(folder, python, policy)
    assert "of old" not in hook.path.read_text()


def test_an_interpreter_without_the_package_is_refused(folder: Path, tmp_path: Path, policy: Path) -> None:
    for python in (tmp_path / "missing", Path("/bin/false"), Path("/usr/bin/python3")):
        with pytest.raises(ConfigError, match="the hook cannot run"):
            install_hook(folder, python, policy)
    assert not folder.exists()


def test_paths_with_blanks_and_quotes_hold(folder: Path, python: Path, tmp_path: Path) -> None:
    policy = tmp_path / "a 'b' $HOME `c` \\d" / FILE_NAME
    hook = install_hook(folder, python, policy)
    assert find_hook(folder) == hook
    with pytest.raises(ConfigError, match="cannot be told"):
        install_hook(folder, python, tmp_path / "a\nb")
    assert find_hook(folder) == hook


def test_where_env_splits_no_line_the_hook_runs_without_it(
    folder: Path, python: Path, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_option(*_: object, **__: object) -> Finished:
        return Finished(125, b"", b"env: invalid option -- 'S'", 0.0)

    hook = install_hook(folder, python, policy)
    assert hook.path.read_text().startswith("#!/usr/bin/env -S ")
    monkeypatch.setattr(hook_script, "run_bounded", no_option)
    assert install_hook(folder, python, policy) == hook == find_hook(folder)
    assert hook.path.read_text().startswith(f"{SHELL_LINE}\n{MARK}\n")
    assert subprocess.run([hook.path, "guest", "start", "begin", "-"], input=b"").returncode == 0


def test_the_shipped_script_has_all_that_is_filled_in() -> None:
    lines = script_source().splitlines()
    assert len(lines[0]) < 127, "older kernels read no more of a first line"
    assert lines[1] == MARK
    for line in ("python=''", "policy=''", "# made:", "# known to:"):
        assert lines.count(line) == 1


def test_a_daemon_that_started_before_must_be_told(
    folder: Path,
    python: Path,
    policy: Path,
    tmp_path: Path,
    daemon: "subprocess.Popen[bytes]",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pid_file = tmp_path / "sleep.pid"
    pid_file.write_text(f"{daemon.pid}\n")
    monkeypatch.setattr(hook_install, "PID_FILES", (pid_file, tmp_path / "missing.pid"))
    (running,) = wait_until(running_daemons, "the daemon has its name")
    assert (running.name, running.pid) == ("sleep", daemon.pid)
    hook = install_hook(folder, python, policy)
    assert not is_known(hook, running)
    assert any("--reload" in finding.text for finding in check_hook(folder))
    told = tell_daemon(hook, running)  # SIGHUP, of which this one dies
    assert daemon.wait() == -1
    assert is_known(told, running)
    found = find_hook(folder)
    assert found is not None and is_known(found, running)
    os.utime(hook.path, (0, 0))
    assert is_known(hook, running), "the daemon started after the hook was there"


def test_check_tells_ok_for_every_operation(folder: Path, python: Path, policy: Path) -> None:
    set_python_limit(install_hook(folder, python, policy).path, PATIENT_S)
    findings = list(check_hook(folder))
    assert all(finding.level is not Level.PROBLEM for finding in findings), findings
    for operation in ("prepare", "reconnect", "migrate", "restore"):
        assert any(f.text.startswith(f"{operation}: ") and f.level is Level.OK for f in findings)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("exit 1", "ends with status 1"),
        ("echo '<domain/>'; exit 0", "prints something else"),
        ("exit 0", "leaves the domain as it is"),
    ],
)
def test_check_finds_a_hook_that_does_not_do_what_it_must(
    folder: Path, python: Path, policy: Path, fault: str, expected: str
) -> None:
    hook = install_hook(folder, python, policy)
    script = hook.path.read_text().replace("\ntrap", f"\n{fault}\ntrap")
    hook.path.write_text(f"{SHELL_LINE}\n" + script.partition("\n")[2])
    problems = [finding.text for finding in check_hook(folder) if finding.level is Level.PROBLEM]
    assert any(expected in text for text in problems), problems


def test_check_without_a_hook_says_how_to_get_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install-hook", "--dir", str(folder), "--check"]) == 1
    assert "install-hook" in capsys.readouterr().out


def test_the_command_refuses_where_there_are_no_hooks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for arguments in (["install-hook"], ["install-hook", "--check"], ["uninstall-hook"]):
        assert main(arguments) == 2
        assert "no hooks at all for qemu:///session" in capsys.readouterr().err
