import os
import socket
from pathlib import Path

import pytest

from libvirt_webrtc.display.address import connect, parse_address, peer_user, shown, why_closed
from libvirt_webrtc.errors import DisplayError
from tests.display.peer import open_fds

NOBODY = 65534


@pytest.mark.parametrize(
    ("text", "sockets"),
    [
        ("unix:path=/run/user/1000/bus", ("/run/user/1000/bus",)),
        ("unix:path=/tmp/a%2cb%20c,guid=0123456789abcdef", ("/tmp/a,b c",)),
        ("unix:abstract=/tmp/dbus-x", ("\0/tmp/dbus-x",)),
        ("tcp:host=localhost,port=1;unix:path=/a;;unix:path=/b;", ("/a", "/b")),
        ("unix:path=/%ff", (os.fsdecode(b"/\xff"),)),
    ],
)
def test_an_address_names_sockets_in_order(text: str, sockets: tuple[str, ...]) -> None:
    assert parse_address(text) == sockets


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "names no Unix socket"),
        ("/run/user/1000/bus", "is no D-Bus address"),
        (":path=/a", "is no D-Bus address"),
        ("unix:path", "has no value"),
        ("unix:=/a", "has no value"),
        ("unix:path=", "names no Unix socket"),
        ("unix:path=/a%00b", "NUL"),
        ("tcp:host=localhost,port=1", "names no Unix socket"),
        ("unix:runtime=yes", "names no Unix socket"),
        ("autolaunch:", "names no Unix socket"),
    ],
)
def test_what_is_no_address_of_a_socket_is_refused(text: str, reason: str) -> None:
    with pytest.raises(DisplayError, match=reason):
        parse_address(text)


def test_the_first_socket_that_somebody_listens_on_is_connected(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "here"))
        server.listen()
        sock, place = connect((str(tmp_path / "not"), str(tmp_path / "here")))
        with sock:
            assert place == str(tmp_path / "here")
            assert peer_user(sock) == (os.geteuid(), os.getegid())


def test_abstract_names_are_connected() -> None:
    name = f"\0libvirt-webrtc-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        sock, _ = connect((name,))
        sock.close()
    assert shown(name).startswith("@libvirt-webrtc-test-")


def test_where_nobody_listens_all_are_named_and_nothing_is_left_open(tmp_path: Path) -> None:
    before = open_fds()
    long = str(tmp_path / ("x" * 200))
    with pytest.raises(DisplayError, match="No such file.*; @gone: Connection refused; .*too long"):
        connect((str(tmp_path / "not"), "\0gone", long))
    assert open_fds() == before


def test_a_bus_is_closed_only_where_that_is_certain(tmp_path: Path) -> None:
    assert why_closed(f"unix:path={tmp_path}/not") is None
    assert why_closed("unix:abstract=x") is None
    assert "names no Unix socket" in (why_closed("tcp:host=x") or "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_of_another_user_closes_a_bus(tmp_path: Path) -> None:
    folder = tmp_path / "dbus"
    folder.mkdir(mode=0o700)
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        told = why_closed(f"unix:path={folder}/bus")
    finally:
        os.seteuid(0)
        os.setegid(0)
    # pytest's own folder is closed as well.
    assert told is not None and told.startswith(str(folder)) and told.endswith("this program runs as nobody")
    assert why_closed(f"unix:path={folder}/bus") is None
