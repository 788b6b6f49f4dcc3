"""Which libvirt is meant, compared with what virsh takes; and which ones cannot have consoles here."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from libvirt_webrtc.domains import uri as uri_module
from libvirt_webrtc.domains.uri import check_driver, check_local, full_uri, hint
from libvirt_webrtc.errors import ConfigError

NOBODY = 65534
TEST = "test:///default"
"""libvirt's own driver for tests: it needs no daemon, so virsh tells its URI as anybody."""


@pytest.fixture
def user_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that counts for an ordinary user, in this process and in virsh's."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    (tmp_path / "libvirt").mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("LIBVIRT_DEFAULT_URI", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
    return tmp_path / "libvirt" / "libvirt.conf"


@pytest.mark.parametrize(
    "text",
    [
        f'uri_default = "{TEST}"',
        f"uri_default='{TEST}' # of mine",
        f'# uri_default = "test:///no"\n\n  uri_default  =  """{TEST}"""\n',
        f'uri_default = "{TEST}"\nuri_default = "test:///no"',
        f'other = 5\nlist = [ "a", "uri_default" ]\nuri_default="{TEST}"',
        f'uri_default = "mine"\nuri_aliases = [ "m=test:///no",\n  "mine={TEST}", "mine=test:///other",\n]',
        f"uri_aliases = ['mine={TEST}']\nuri_default = 'mine'",
    ],
)
@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("virsh") is None, reason="needs root and virsh")
def test_the_users_configuration_counts_as_for_virsh(user_configuration: Path, text: str) -> None:
    user_configuration.write_text(text)
    environment = {
        "PATH": os.environ["PATH"],
        "XDG_CONFIG_HOME": str(user_configuration.parents[1]),
        "HOME": "/",
    }
    virsh = subprocess.run(
        ["virsh", "uri"],
        user=NOBODY,
        extra_groups=[],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert virsh.stdout.strip() == full_uri(None) == TEST, virsh.stderr


def test_what_is_given_counts_more_and_may_be_an_alias(
    user_configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_configuration.write_text(
        'uri_default = "qemu:///file"\nuri_aliases = [ "far=qemu+ssh://far/system" ]\n'
    )
    assert full_uri(None) == full_uri("") == "qemu:///file"
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", "qemu:///environment")
    assert full_uri(None) == "qemu:///environment"
    assert full_uri("qemu:///given") == "qemu:///given"
    assert full_uri("far") == "qemu+ssh://far/system"
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", "far")
    assert full_uri(None) == "qemu+ssh://far/system"


@pytest.mark.parametrize(
    "text", [None, "", "# nothing", "uri_default = 5", 'uri_default = "', "uri_aliases = [ 1 ]"]
)
def test_without_a_setting_it_is_the_users_own(user_configuration: Path, text: str | None) -> None:
    if text is not None:
        user_configuration.write_text(text)
    assert full_uri(None) == "qemu:///session"


def test_roots_is_the_systems_and_its_configuration_is_the_systems(
    user_configuration: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_configuration.write_text('uri_default = "qemu:///no"')
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(uri_module, "_SYSTEM_FILE", system := tmp_path / "libvirt.conf")
    assert full_uri(None) == "qemu:///system"
    system.write_text('uri_default = "qemu:///elsewhere"')
    assert full_uri(None) == "qemu:///elsewhere"


def test_a_home_without_configuration_has_none(
    user_configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for home in ("/nonexistent", "/dev/null"):
        monkeypatch.setenv("XDG_CONFIG_HOME", home)
        assert full_uri(None) == "qemu:///session"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(user_configuration.parents[1]))
    folder = user_configuration.parents[1] / ".config" / "libvirt"
    folder.mkdir(parents=True)
    (folder / "libvirt.conf").write_text('uri_default = "qemu:///mine"')
    assert full_uri(None) == "qemu:///mine"


def test_a_configuration_that_cannot_be_read_is_told(user_configuration: Path) -> None:
    user_configuration.mkdir()
    with pytest.raises(ConfigError, match="libvirt.conf"):
        full_uri(None)


@pytest.mark.parametrize(
    "uri",
    [
        *("qemu:///system", "qemu:///session", "qemu:/system", "qemu:///system?socket=/run/x"),
        *("qemu+unix:///system", "qemu+unix:///system?socket=/run/libvirt-sock"),
    ],
)
def test_libvirt_on_this_machine_is_taken(uri: str) -> None:
    check_local(uri)


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        *(
            (f"qemu{way}://root@far.example/system", "far.example")
            for way in ("", "+ssh", "+tls", "+tcp", "+libssh2")
        ),
        ("qemu+ssh://[2001:db8::1]:22/system", "2001:db8::1"),
        ("qemu://localhost/system", "localhost"),
        ("qemu+unix://far/system", "far"),
        ("qemu+ext:///system?command=x", "that machine"),
    ],
)
def test_libvirt_elsewhere_is_refused_with_the_reason(uri: str, host: str) -> None:
    check_driver(uri)
    with pytest.raises(ConfigError) as refused:
        check_local(uri)
    told = str(refused.value)
    assert uri in told and "consoles need libvirt on this machine" in told
    assert f"on {host} itself" in told and "qemu:///system" in told


@pytest.mark.parametrize(
    "uri", [TEST, "xen:///system", "lxc:///", "vbox:///session", "esx://host/", "test+ssh://h/default"]
)
def test_other_drivers_are_refused_with_the_reason(uri: str) -> None:
    driver = uri.partition(":")[0].partition("+")[0]
    for check in (check_driver, check_local):
        with pytest.raises(ConfigError, match=f"libvirt's {driver} driver has none; write qemu:///system"):
            check(uri)


@pytest.mark.parametrize("uri", ["nonsense", "/run/libvirt", "", "qemu://[/system"])
def test_what_is_no_uri_is_refused(uri: str) -> None:
    with pytest.raises(ConfigError, match="no libvirt URI.*write qemu:///system"):
        check_local(uri)


def test_a_session_is_told_of_the_system() -> None:
    assert "qemu:///system" in hint("qemu:///session?x=y") and hint("qemu:///system") == ""
