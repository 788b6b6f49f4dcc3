"""ICE servers and the transport policy, from the environment and the file."""

import json

import pytest

from libvirt_webrtc.config.ice import IceConfig, IceServer
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
