"""ICE servers and the transport policy, from the environment and the file."""

import base64
import hmac
import json
from pathlib import Path

import pytest

from libvirt_webrtc.config.ice import IceConfig, IceServer
from libvirt_webrtc.config.ice_ports import PortRange
from libvirt_webrtc.config.load import load
from libvirt_webrtc.errors import ConfigError

STUN_A = "stun:a.example:3478"
TURN_B, TURNS_B = "turn:b.example:3478?transport=udp", "turns:b.example:5349?transport=tcp"


def ice(**variables: str) -> IceConfig:
    """The ICE configuration from environment variables alone."""
    return load(environ={f"QEMU_WEBRTC_{name}": value for name, value in variables.items()}).ice


def test_ice_servers_are_a_json_array() -> None:
    servers = [
        {"urls": "stun:a.example"},
        {"urls": ["turn:b.example", "turns:b.example"], "username": "u", "credential": "c"},
    ]
    config = ice(ICE_SERVERS=json.dumps(servers), ICE_TRANSPORT_POLICY="relay")
    assert config == IceConfig((IceServer((STUN_A,)), IceServer((TURN_B, TURNS_B), "u", "c")), "relay")
    assert config.as_json() == {
        "iceServers": [
            {"urls": [STUN_A]},
            {"urls": [TURN_B, TURNS_B], "username": "u", "credential": "c"},
        ],
        "iceTransportPolicy": "relay",
        "problem": None,
    }


def test_a_turn_host_becomes_a_server_for_udp_and_tcp() -> None:
    assert ice(TURN_HOST="turn.example", TURN_CREDENTIAL="c") == IceConfig(
        (
            IceServer(
                ("turn:turn.example:3478?transport=udp", "turn:turn.example:3478?transport=tcp"),
                "webrtc",
                "c",
            ),
        )
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
    assert config.servers == (IceServer(("stun:stun.example:3478",)), turn)


def test_a_turn_host_counts_only_without_ice_servers() -> None:
    config = ice(ICE_SERVERS="[]", TURN_HOST="turn.example", TURN_CREDENTIAL="c", STUN_URL="stun:s.example")
    assert config == IceConfig()


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


def test_empty_variables_count_as_unset() -> None:
    names = (
        "ICE_SERVERS ICE_TRANSPORT_POLICY TURN_HOST TURN_USERNAME TURN_CREDENTIAL TURN_TRANSPORTS STUN_URL"
    )
    assert ice(**dict.fromkeys(names.split(), " "), DOWNSAMPLE="") == IceConfig()


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"DOWNSAMPLE": "yes"}, "DOWNSAMPLE='yes': write 1"),
        ({"ICE_TRANSPORT_POLICY": "none"}, "ICE_TRANSPORT_POLICY is 'none'"),
        ({"TURN_HOST": "h", "TURN_TRANSPORTS": "udp,tls"}, "TURN_TRANSPORTS names 'tls'"),
        ({"STUN_URL": "stun.example"}, "write stun:HOST"),
        ({"ICE_SERVERS": "{"}, "is not JSON"),
        ({"ICE_SERVERS": "{}"}, "must be an array"),
        ({"ICE_SERVERS": "[1]"}, "each entry is an object"),
        ({"ICE_SERVERS": '[{"url": "stun:a"}]'}, "each entry is an object"),
        ({"ICE_SERVERS": "[{}]"}, "'urls' must be"),
        ({"ICE_SERVERS": '[{"urls": []}]'}, "'urls' must be"),
        ({"ICE_SERVERS": '[{"urls": [1]}]'}, "'urls' must be"),
        ({"ICE_SERVERS": '[{"urls": "http://a"}]'}, "write stun:HOST"),
        ({"ICE_SERVERS": '[{"urls": "stun:a", "username": 1}]'}, "'username' must be a string"),
    ],
)
def test_an_unusable_variable_is_refused_with_the_reason(variables: dict[str, str], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        ice(**variables)


SECRET = "of-this-test-alone"
OPEN_RELAY = (
    '[{urls = "stun:a.example"}, {urls = "turn:b.example"}, '
    '{urls = "turn:c.example", username = "u", credential = "c"}]'
)


def test_ports_and_addresses_are_read(toml: Path) -> None:
    toml.write_text('[ice]\nports = "50000-50100"\naddresses = ["203.0.113.7", "2001:DB8:0::1"]\n')
    config = load(toml, {}).ice
    assert config.ports == PortRange(50000, 50100) and len(config.ports) == 101
    assert config.addresses == ("203.0.113.7", "2001:db8::1")
    toml.write_text('[ice]\nports = "50000"\n')
    assert str(load(toml, {}).ice.ports) == "50000"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("ports = 50000", 'ports is 50000; write "FIRST-LAST"'),
        ('ports = "all"', "write .*one port"),
        ('ports = "50100-50000"', "the lower one first"),
        ('ports = "1000-2000"', "from 1024"),
        ('ports = "60000-70000"', "to 65535"),
        ('addresses = "203.0.113.7"', "must be an array"),
        ("addresses = []", "must be an array"),
        ('addresses = ["host.example"]', "'host.example' is no IP address"),
        ('addresses = ["0.0.0.0"]', "nobody's address"),
        ('addresses = ["ff02::1"]', "nobody's address"),
        ('addresses = ["fe80::1"]', "one link only"),
        ('secret = "short"', "secret must be text of 16 characters"),
        (f'secret = "{SECRET}"', "there is none; add one"),
        (f'secret = "{SECRET}"\nsecret_file = "/x"', "not both"),
        ("secret_file = 1", "secret_file must be a path"),
        ('secret_file = "/nowhere/at/all"', "secret_file cannot be read from /nowhere/at/all"),
    ],
)
def test_an_unusable_ice_setting_is_refused_with_what_to_write(toml: Path, text: str, complaint: str) -> None:
    toml.write_text(f"[ice]\n{text}\n")
    with pytest.raises(ConfigError, match=complaint) as refused:
        load(toml, {})
    assert SECRET not in str(refused.value)


def test_a_secret_makes_credentials_that_end(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As coturn computes them, and those that a server has of its own stay."""
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.9)
    toml.write_text(f'[ice]\nsecret = "{SECRET}"\nservers = {OPEN_RELAY}\n')
    config = load(toml, {}).ice
    stun, ours, own = config.as_json()["iceServers"]
    assert stun.keys() == {"urls"} and (own["username"], own["credential"]) == ("u", "c")
    expiry, _, viewer = ours["username"].partition(":")
    assert int(expiry) == 1_700_000_600 and viewer
    digest = hmac.digest(SECRET.encode(), ours["username"].encode(), "sha1")
    assert ours["credential"] == base64.b64encode(digest).decode()
    assert config.as_json()["iceServers"][1]["username"] != ours["username"], "each viewer has its own"
    assert SECRET not in repr(config) and SECRET not in json.dumps(config.as_json())


def test_a_secret_comes_from_a_file_and_is_for_the_environments_server(toml: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").touch(mode=0o600)
    (tmp_path / "secret").write_text(SECRET + "\n")
    toml.write_text(f'[ice]\nsecret_file = "{tmp_path / "secret"}"\n')
    environ = {"QEMU_WEBRTC_TURN_HOST": "turn.example", "QEMU_WEBRTC_TURN_TRANSPORTS": "udp"}
    config = load(toml, environ).ice
    assert config.secret == SECRET
    assert config.servers == (IceServer(("turn:turn.example:3478?transport=udp",)),)
    (server,) = config.servers_for_one()
    assert server.username and server.credential


def test_a_placeholder_of_a_secret_is_a_problem(toml: Path) -> None:
    toml.write_text(f'[ice]\nsecret = "<the secret of your server>"\nservers = {OPEN_RELAY}\n')
    problem = load(toml, {}).ice.problem
    assert problem is not None and "ice.secret still holds the placeholder" in problem
