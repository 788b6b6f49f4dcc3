import json
import os
from pathlib import Path

import pytest

from libvirt_webrtc.config.access import ListenAddress, is_loopback
from libvirt_webrtc.config.ice import IceConfig, IceServer
from libvirt_webrtc.config.load import WORDS, Config, forget_environment, load, state_dir
from libvirt_webrtc.config.video import CODECS, VIDEO_SETTINGS, VideoConfig
from libvirt_webrtc.domains.definition.display import Gl
from libvirt_webrtc.domains.definition.policy import AutoEnable, Policy
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.media.formats import DEFAULT_FORMATS, FORMATS, VideoFormat, formats_of


def ice(**variables: str) -> IceConfig:
    """The ICE configuration from environment variables alone."""
    return load(environ={f"QEMU_WEBRTC_{name}": value for name, value in variables.items()}).ice


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_without_anything_the_defaults_count() -> None:
    config = load(environ={})
    assert config == Config()
    assert config.listen.authority == "127.0.0.1:8080"
    assert config.ice == IceConfig((), "all", None)


def test_flags_beat_the_environment_which_beats_the_file(toml: Path) -> None:
    toml.write_text(
        'uri = "qemu:///session"\nlisten = "localhost:1"\ndownsample = true\ntoken_file = "/run/token"\n'
        '[ice]\nservers = [{urls = "stun:file.example"}]\n'
    )
    config = load(toml, {})
    assert config == Config(
        "qemu:///session",
        ListenAddress("localhost", 1),
        Path("/run/token"),
        True,
        IceConfig((IceServer(("stun:file.example",)),)),
    )
    environ = {"QEMU_WEBRTC_DOWNSAMPLE": "0", "QEMU_WEBRTC_STUN_URL": "stun:environment.example"}
    config = load(toml, environ, uri="test:///default", listen=ListenAddress(port=2), token_file=None)
    assert config.uri == "test:///default"
    assert config.listen.port == 2
    assert config.token_file == Path("/run/token")
    assert not config.downsample
    assert config.ice.servers == (IceServer(("stun:environment.example",)),)


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
    assert (Config().auto_enable, Config().gl) == ("tagged", "auto")
    toml.write_text('auto_enable = "all"\ngl = "on"\n')
    config = load(toml, {})
    assert Policy.of(config.auto_enable, config.gl) == Policy(AutoEnable.ALL, Gl.ON)
    assert WORDS == {"auto_enable": tuple(AutoEnable), "gl": tuple(Gl)}


def test_what_video_is_sent_as_is_read_from_every_source(toml: Path) -> None:
    assert load(environ={}).video == VideoConfig(("h264", "vp8"), "software")
    toml.write_text('[video]\ncodecs = ["vp9"]\nencoder = "auto"\n')
    assert load(toml, {}).video == VideoConfig(("vp9",), "auto")
    environ = {"QEMU_WEBRTC_CODECS": "vp9, h264", "QEMU_WEBRTC_ENCODER": "software"}
    assert load(toml, environ).video == VideoConfig(("vp9", "h264"), "software")
    assert load(toml, environ, video_codecs="vp8").video == VideoConfig(("vp8",), "software")
    with pytest.raises(ConfigError, match="^--codecs names 'x'"):
        load(toml, environ, video_codecs="x")
    with pytest.raises(ConfigError, match="^QEMU_WEBRTC_ENCODER is 'x'"):
        load(toml, {"QEMU_WEBRTC_ENCODER": "x"})


def test_a_colour_for_every_pixel_can_be_forbidden(toml: Path) -> None:
    assert load(environ={}).video.chroma == "auto"
    toml.write_text('[video]\nchroma = "4:2:0"\n')
    assert load(toml, {}).video.chroma == "4:2:0"
    assert load(toml, {"QEMU_WEBRTC_CHROMA": "auto"}).video.chroma == "auto"
    assert load(toml, {"QEMU_WEBRTC_CHROMA": "auto"}, video_chroma="4:2:0").video.chroma == "4:2:0"
    assert VideoFormat.H264_444 not in formats_of(CODECS, full_chroma=False)


def test_every_codec_that_can_be_set_has_formats() -> None:
    assert set(FORMATS) == set(CODECS)
    assert formats_of(Config().video.codecs) == DEFAULT_FORMATS


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


@pytest.mark.parametrize(
    ("text", "host", "port", "authority"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080, "127.0.0.1:8080"),
        ("127.8.8.8:65535", "127.8.8.8", 65535, "127.8.8.8:65535"),
        ("localhost:0", "localhost", 0, "localhost:0"),
        ("[::1]:8080", "::1", 8080, "[::1]:8080"),
    ],
)
def test_loopback_addresses_are_taken(text: str, host: str, port: int, authority: str) -> None:
    listen = ListenAddress.parse(text)
    assert listen == ListenAddress(host, port)
    assert listen.authority == authority


@pytest.mark.parametrize(
    "text", ["", "8080", ":8080", "localhost", "localhost:", "localhost:65536", "localhost:-1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not HOST:PORT"):
        ListenAddress.parse(text)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "[::]", "example.org", "localhost.example.org"])
def test_other_addresses_are_refused_until_there_is_tls(host: str) -> None:
    with pytest.raises(ConfigError, match="no TLS yet.*ssh -L 8080:127.0.0.1:8080"):
        ListenAddress.parse(f"{host}:8080")


def test_loopback_is_this_machine_only() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.1.2.3", "::1")))
    assert not any(map(is_loopback, ("", "127.1", "10.0.0.1", "::", "localhost.", "127.0.0.1.example")))


def test_ice_servers_are_a_json_array() -> None:
    servers = [
        {"urls": "stun:a.example"},
        {"urls": ["turn:b.example", "turns:b.example"], "username": "u", "credential": "c"},
    ]
    config = ice(ICE_SERVERS=json.dumps(servers), ICE_TRANSPORT_POLICY="relay")
    assert config == IceConfig(
        (IceServer(("stun:a.example",)), IceServer(("turn:b.example", "turns:b.example"), "u", "c")), "relay"
    )
    assert config.as_json() == {
        "iceServers": [
            {"urls": ["stun:a.example"]},
            {"urls": ["turn:b.example", "turns:b.example"], "username": "u", "credential": "c"},
        ],
        "iceTransportPolicy": "relay",
        "problem": None,
    }


def test_a_turn_host_becomes_a_server_for_udp_and_tcp() -> None:
    assert ice(TURN_HOST="turn.example", TURN_CREDENTIAL="c") == IceConfig(
        (IceServer(("turn:turn.example?transport=udp", "turn:turn.example?transport=tcp"), "webrtc", "c"),)
    )


def test_turn_settings_and_stun_join() -> None:
    config = ice(
        TURN_HOST="turn.example:3479",
        TURN_USERNAME="u",
        TURN_CREDENTIAL="c",
        TURN_TRANSPORTS=" tcp ",
        STUN_URL="stun:stun.example",
    )
    turn = IceServer(("turn:turn.example:3479?transport=tcp",), "u", "c")
    assert config.servers == (IceServer(("stun:stun.example",)), turn)


def test_a_turn_host_counts_only_without_ice_servers() -> None:
    config = ice(ICE_SERVERS="[]", TURN_HOST="turn.example", TURN_CREDENTIAL="c", STUN_URL="stun:s.example")
    assert config == IceConfig()


def test_empty_variables_count_as_unset() -> None:
    names = (
        "ICE_SERVERS ICE_TRANSPORT_POLICY TURN_HOST TURN_USERNAME TURN_CREDENTIAL TURN_TRANSPORTS STUN_URL"
    )
    assert ice(**dict.fromkeys(names.split(), " "), DOWNSAMPLE="") == IceConfig()


@pytest.mark.parametrize(
    "variables",
    [
        {"TURN_HOST": "YOUR_TURN_HOST", "TURN_CREDENTIAL": "c"},
        {"TURN_HOST": "<your host>", "TURN_CREDENTIAL": "c"},
        {"TURN_HOST": "turn.example", "TURN_CREDENTIAL": "<secret>"},
        {"TURN_HOST": "turn.example", "TURN_USERNAME": "YOUR_NAME", "TURN_CREDENTIAL": "c"},
        {"STUN_URL": "stun:<host>"},
        {"STUN_URL": "YOUR_STUN_URL"},
        {"ICE_SERVERS": "YOUR_ICE_SERVERS"},
        {"ICE_SERVERS": "<JSON array>"},
        {"ICE_SERVERS": '[{"urls": "turn:YOUR_TURN_HOST", "username": "u", "credential": "c"}]'},
    ],
)
def test_a_placeholder_is_a_problem_that_pages_show(variables: dict[str, str]) -> None:
    problem = ice(**variables).problem
    assert problem is not None and "placeholder" in problem


@pytest.mark.parametrize(
    "variables",
    [
        {"TURN_HOST": "turn.example"},
        {"ICE_SERVERS": '[{"urls": "turn:turn.example", "username": "u"}]'},
        {"ICE_SERVERS": '[{"urls": "turns:turn.example", "credential": "c"}]'},
    ],
)
def test_turn_without_credentials_is_a_problem(variables: dict[str, str]) -> None:
    problem = ice(**variables).problem
    assert problem is not None and "turn.example" in problem


@pytest.mark.parametrize("variables", [{}, {"STUN_URL": "stun:stun.example"}])
def test_relay_without_turn_is_a_problem(variables: dict[str, str]) -> None:
    problem = ice(ICE_TRANSPORT_POLICY="relay", **variables).problem
    assert problem is not None and "no TURN server" in problem


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"DOWNSAMPLE": "yes"}, "DOWNSAMPLE='yes': write 1"),
        ({"ICE_TRANSPORT_POLICY": "none"}, "ICE_TRANSPORT_POLICY is 'none'"),
        ({"TURN_HOST": "h", "TURN_TRANSPORTS": "udp,tls"}, "TURN_TRANSPORTS names 'tls'"),
        ({"STUN_URL": "stun.example"}, "must be like stun:"),
        ({"ICE_SERVERS": "{"}, "is not JSON"),
        ({"ICE_SERVERS": "{}"}, "must be an array"),
        ({"ICE_SERVERS": "[1]"}, "each entry is an object"),
        ({"ICE_SERVERS": '[{"url": "stun:a"}]'}, "each entry is an object"),
        ({"ICE_SERVERS": "[{}]"}, "'urls' must be"),
        ({"ICE_SERVERS": '[{"urls": []}]'}, "'urls' must be"),
        ({"ICE_SERVERS": '[{"urls": [1]}]'}, "'urls' must be"),
        ({"ICE_SERVERS": '[{"urls": "http://a"}]'}, "must be like stun:"),
        ({"ICE_SERVERS": '[{"urls": "stun:a", "username": 1}]'}, "'username' must be a string"),
    ],
)
def test_an_unusable_variable_is_refused_with_the_reason(variables: dict[str, str], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        ice(**variables)


@pytest.mark.parametrize(("text", "expected"), [("1", True), ("0", False), ("", False)])
def test_downsample_is_one_or_zero(text: str, expected: bool) -> None:
    assert load(environ={"QEMU_WEBRTC_DOWNSAMPLE": text}).downsample is expected


def test_the_environment_sets_address_and_token_file(toml: Path) -> None:
    toml.write_text('listen = "127.0.0.1:1"\n')
    environ = {"QEMU_WEBRTC_LISTEN": "localhost:2", "QEMU_WEBRTC_TOKEN_FILE": "/run/token"}
    config = load(toml, environ)
    assert (config.listen, config.token_file) == (ListenAddress("localhost", 2), Path("/run/token"))
    with pytest.raises(ConfigError, match="refused"):
        load(environ={"QEMU_WEBRTC_LISTEN": "0.0.0.0:8081"})


def test_an_unknown_variable_of_the_environment_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    assert load(environ={"QEMU_WEBRTC_TURN_HOTS": "x", "QEMU_WEBRTC_DOWNSAMPLE": "0"}) == Config()
    (record,) = caplog.records
    assert "QEMU_WEBRTC_TURN_HOTS" in record.message and "TURN_HOST" in record.message


def test_the_video_settings_are_known_in_the_environment(caplog: pytest.LogCaptureFixture) -> None:
    values = {"CODECS": "vp8", "CHROMA": "4:2:0", "ENCODER": "auto", "GL_DEVICE": "software"}
    assert {name.upper() for name in VIDEO_SETTINGS} == values.keys()
    video = load(environ={f"QEMU_WEBRTC_{name}": value for name, value in values.items()}).video
    assert video == VideoConfig(("vp8",), "auto", "4:2:0", "software")
    assert not caplog.records


def test_settings_leave_the_environment_once_they_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every process that is started later would have the credential, locked in or not."""
    monkeypatch.setenv("QEMU_WEBRTC_TURN_CREDENTIAL", "secret")
    monkeypatch.setenv("OTHER", "stays")
    forget_environment()
    assert not [name for name in os.environ if name.startswith("QEMU_WEBRTC_")]
    assert os.environ["OTHER"] == "stays"
