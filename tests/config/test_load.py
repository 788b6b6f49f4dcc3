"""Settings from the file, the environment and the command line, and which of them counts."""

import os
from pathlib import Path

import pytest

from libvirt_webrtc.config.access import ListenAddress
from libvirt_webrtc.config.ice import IceConfig, IceServer
from libvirt_webrtc.config.load import Config, load, state_dir, take_environment
from libvirt_webrtc.config.tls import TlsConfig
from libvirt_webrtc.domains.definition.display import Gl
from libvirt_webrtc.domains.definition.policy import AutoEnable
from libvirt_webrtc.errors import ConfigError


def test_without_anything_the_defaults_count() -> None:
    config = load(environ={})
    assert config == Config()
    assert config.listen.authority == "127.0.0.1:8080"
    assert config.ice == IceConfig((), "all", None)


def test_flags_beat_the_environment_which_beats_the_file(toml: Path) -> None:
    toml.write_text(
        'uri = "qemu:///session"\nlisten = "localhost:1"\ndownsample = true\ntoken_file = "/run/token"\n'
        '[ice]\nservers = [{urls = "stun:file.example:3478"}]\n'
    )
    config = load(toml, {})
    assert config == Config(
        "qemu:///session",
        ListenAddress("localhost", 1),
        Path("/run/token"),
        True,
        IceConfig((IceServer(("stun:file.example:3478",)),)),
    )
    environ = {"QEMU_WEBRTC_DOWNSAMPLE": "0", "QEMU_WEBRTC_STUN_URL": "stun:environment.example"}
    config = load(toml, environ, uri="test:///default", listen=ListenAddress(port=2), token_file=None)
    assert config.uri == "test:///default"
    assert config.listen.port == 2
    assert config.token_file == Path("/run/token")
    assert not config.downsample
    assert config.ice.servers == (IceServer(("stun:environment.example:3478",)),)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("uri =", "cannot read"),
        ("nonsense = 1", "unknown setting 'nonsense'; known are .*token_file"),
        ("uri = 1", "uri must be a string"),
        ('downsample = "yes"', "downsample must be true or false"),
        ('listen = "8080"', "is not HOST:PORT"),
        ('auto_enable = "some"', "auto_enable is 'some'; write one of 'none', 'tagged', 'all'"),
        ("auto_enable = true", "auto_enable must be a string"),
        ('gl = "yes"', "gl is 'yes'; write one of 'auto', 'on', 'off'"),
        ("ice = 1", "ice must be a table"),
        ("[ice]\nserver = []", "ice must be a table"),
        ("[ice]\nservers = 1", "ice.servers must be an array"),
        ("video = 1", "video must be a table"),
        ("[video]\ncodec = []", "video.codec: unknown setting; known are codecs, encoder, chroma"),
        ("[video]\ncodecs = []", "video.codecs must name at least one of 'h264', 'vp8', 'vp9'"),
        ("[video]\ncodecs = 1", "video.codecs must name at least one of"),
        ('[video]\ncodecs = ["h265"]', "'h265'; write some of 'h264', 'vp8', 'vp9'"),
        ('[video]\ncodecs = ["vp8", "vp8"]', "video.codecs names a codec twice"),
        ('[video]\nchroma = "4:4:4"', "video.chroma is '4:4:4'; write one of 'auto', '4:2:0'"),
        ('[video]\nencoder = "nvenc"', "video.encoder is 'nvenc'; write one of 'software', 'auto'"),
        ('[ice]\ntransport_policy = "some"', "'some'; write 'all' or 'relay'"),
        ("[ice]\ntransport_policy = []", "write 'all' or 'relay'"),
    ],
)
def test_an_unusable_file_is_refused_with_the_reason(toml: Path, text: str, complaint: str) -> None:
    toml.write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        load(toml, {})


def test_the_policy_is_read_and_is_cautious_by_default(toml: Path) -> None:
    assert (Config().auto_enable, Config().gl) == (AutoEnable.TAGGED, Gl.AUTO)
    toml.write_text('auto_enable = "all"\ngl = "on"\n')
    config = load(toml, {})
    assert (config.auto_enable, config.gl) == (AutoEnable.ALL, Gl.ON)


def test_state_folder_is_the_systems_for_root_and_the_users_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert state_dir({"XDG_STATE_HOME": "/x"}) == Path("/var/lib/libvirt-webrtc")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/me")
    assert state_dir({}) == state_dir({"XDG_STATE_HOME": "x"}) == Path("/home/me/.local/state/libvirt-webrtc")
    assert state_dir({"XDG_STATE_HOME": "/x"}) == Path("/x/libvirt-webrtc")
    assert state_dir({"STATE_DIRECTORY": "/a:/b"}) == Path("/a")
    assert state_dir({"LIBVIRT_WEBRTC_STATE_DIR": "/t", "STATE_DIRECTORY": "/a"}) == Path("/t")


def test_a_file_that_cannot_be_read_is_refused(toml: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        load(toml, {})
    toml.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="cannot read"):
        load(toml, {})


@pytest.mark.parametrize(("text", "expected"), [("1", True), ("0", False), ("", False)])
def test_downsample_is_one_or_zero(text: str, expected: bool) -> None:
    assert load(environ={"QEMU_WEBRTC_DOWNSAMPLE": text}).downsample is expected


def test_the_environment_sets_address_and_token_file(toml: Path) -> None:
    toml.write_text('listen = "127.0.0.1:1"\n')
    environ = {"QEMU_WEBRTC_LISTEN": "localhost:2", "QEMU_WEBRTC_TOKEN_FILE": "/run/token"}
    config = load(toml, environ)
    assert (config.listen, config.token_file) == (ListenAddress("localhost", 2), Path("/run/token"))
    with pytest.raises(ConfigError, match="HOST:PORT"):
        load(environ={"QEMU_WEBRTC_LISTEN": "8081"})


def test_an_unknown_variable_of_the_environment_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    assert load(environ={"QEMU_WEBRTC_TURN_HOTS": "x", "QEMU_WEBRTC_DOWNSAMPLE": "0"}) == Config()
    (record,) = caplog.records
    assert "QEMU_WEBRTC_TURN_HOTS" in record.message and "TURN_HOST" in record.message


def test_settings_leave_the_environment_once_they_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every process that is started later would have the credential, locked in or not."""
    monkeypatch.setenv("QEMU_WEBRTC_TURN_CREDENTIAL", "secret")
    monkeypatch.setenv("OTHER", "stays")
    assert take_environment() == {"QEMU_WEBRTC_TURN_CREDENTIAL": "secret"}
    assert not [name for name in os.environ if name.startswith("QEMU_WEBRTC_")]
    assert os.environ["OTHER"] == "stays"


def test_the_audit_log_has_an_absolute_path(toml: Path) -> None:
    toml.write_text('[audit]\nfile = "/var/log/libvirt-webrtc/audit.log"\n')
    assert load(toml, {}).audit.file == Path("/var/log/libvirt-webrtc/audit.log")
    for wrong in ('audit = "x"', "[audit]\npath = 1", '[audit]\nfile = "audit.log"', "[audit]\nfile = 1"):
        toml.write_text(wrong)
        with pytest.raises(ConfigError, match=r"audit(\.file)? must be"):
            load(toml, {})


def test_a_certificate_of_ones_own_comes_with_its_key(toml: Path) -> None:
    toml.write_text('listen = "127.0.0.1:8443"\n[tls]\ncertificate = "/a/cert.pem"\nkey = "/a/key.pem"\n')
    config = load(toml, {})
    assert config.tls == TlsConfig(Path("/a/cert.pem"), Path("/a/key.pem")) and config.needs_tls
    for wrong, says in (
        ("tls = true", "must be a table"),
        ('[tls]\ncertificate = "/a"\nkey = "/b"\nca = "/c"', "must be a table"),
        ('[tls]\nkey = "/b"', r"tls\.certificate is missing: write both"),
        ('[tls]\ncertificate = "/a"', r"tls\.key is missing: write both"),
        ('[tls]\ncertificate = "/a"\nkey = "key.pem"', r"tls\.key must be an absolute path"),
        ('insecure = true\n[tls]\ncertificate = "/a"\nkey = "/b"', "exclude each other"),
        ("insecure = 1", "insecure must be true or false"),
    ):
        toml.write_text(wrong)
        with pytest.raises(ConfigError, match=says):
            load(toml, {})
