import json

from libvirt_webrtc.agent.interface import Action, ConsoleState, ConsoleView, DomainList, DomainView


def test_a_domain_with_a_console_has_the_documented_form() -> None:
    console = ConsoleView(0, "VGA", 1024, 768, "map", 1)
    view = DomainView("u-u-i-d", "demo", "running", ConsoleState.READY, None, (console,), 4242)
    assert json.loads(json.dumps(DomainList(True, None, (view,), "qemu:///system").as_json())) == {
        "libvirt": {"connected": True, "problem": None, "uri": "qemu:///system"},
        "domains": [
            {
                "uuid": "u-u-i-d",
                "name": "demo",
                "state": "running",
                "console": {"state": "ready", "reason": None},
                "consoles": [
                    {"index": 0, "label": "VGA", "width": 1024, "height": 768, "scanout": "map", "viewers": 1}
                ],
                "worker_pid": 4242,
                "actions": [],
            }
        ],
    }


def test_a_domain_without_a_console_says_why() -> None:
    view = DomainView(
        "u-u-i-d", "off", "running", ConsoleState.NONE, "started without it", actions=(Action.ATTACH,)
    )
    assert view.as_json() == {
        "uuid": "u-u-i-d",
        "name": "off",
        "state": "running",
        "console": {"state": "none", "reason": "started without it"},
        "consoles": [],
        "worker_pid": None,
        "actions": ["attach"],
    }


def test_a_lost_connection_is_told_beside_the_last_known_domains() -> None:
    assert DomainList(False, "no route", ()).as_json() == {
        "libvirt": {"connected": False, "problem": "no route", "uri": None},
        "domains": [],
    }


def test_equal_lists_are_equal() -> None:
    def make(viewers: int) -> DomainList:
        console = ConsoleView(0, "VGA", 1, 1, None, viewers)
        return DomainList(
            True, None, (DomainView("u", "n", "running", ConsoleState.READY, None, (console,)),)
        )

    assert make(1) == make(1) != make(2)
