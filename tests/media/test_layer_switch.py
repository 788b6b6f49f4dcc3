"""One viewer's move from layer to layer: the old one is shown until the new one's keyframe comes."""

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.encode.frame import EncodedFrame
from libvirt_webrtc.media.formats import FULL, HALF, REDUCED, Layer, RenditionKey, VideoFormat
from libvirt_webrtc.media.layer_switch import LayerSwitch
from libvirt_webrtc.media.rtp.frame import RtpFrame
from libvirt_webrtc.media.subscription import OnEnd, OnFrame, Subscription


def frame(*, keyframe: bool = False) -> RtpFrame:
    return RtpFrame(EncodedFrame(VideoFormat.H264, 0, keyframe, b""), ())


def key(layer: Layer) -> RenditionKey:
    return RenditionKey(VideoFormat.H264, layer)


class Console:
    """Renditions that do what the test says."""

    def __init__(self) -> None:
        self.open: dict[Layer, Subscription] = {}
        self.keyframes_asked = 0
        self.shown: list[tuple[RtpFrame, bool]] = []
        self.errors: list[MediaError] = []
        self.switch = LayerSwitch(key(FULL), lambda *frame: self.shown.append(frame), self.errors.append)

    def subscribe(self, key: RenditionKey, on_frame: OnFrame, on_end: OnEnd) -> Subscription:
        def ask() -> None:
            self.keyframes_asked += 1

        def leave(subscription: Subscription) -> None:
            self.open = {layer: each for layer, each in self.open.items() if each is not subscription}

        self.open[key.layer] = Subscription(key, on_frame, on_end, request_keyframe=ask, leave=leave)
        return self.open[key.layer]


def test_the_old_layer_is_shown_until_the_new_ones_keyframe() -> None:
    console, old, late, first = Console(), frame(), frame(), frame(keyframe=True)
    console.switch.start(console.subscribe, key(FULL))
    console.switch.show(key(REDUCED))
    assert console.switch.changing and set(console.open) == {FULL, REDUCED}
    console.open[FULL].push(old)
    console.open[REDUCED].push(late)
    assert console.shown == [(old, False)] and console.switch.key.layer is FULL
    console.open[REDUCED].push(first)
    assert console.shown == [(old, False), (first, True)] and console.switch.key.layer is REDUCED
    assert set(console.open) == {REDUCED} and not console.switch.changing


def test_a_change_of_mind_leaves_the_layer_that_was_to_come() -> None:
    console = Console()
    console.switch.start(console.subscribe, key(FULL))
    console.switch.show(key(REDUCED))
    console.switch.show(key(HALF))
    assert set(console.open) == {FULL, HALF}
    console.switch.show(key(FULL))
    assert set(console.open) == {FULL} and not console.switch.changing


def test_stopping_leaves_everything_and_nothing_comes_any_more() -> None:
    console = Console()
    console.switch.start(console.subscribe, key(FULL))
    console.switch.show(key(REDUCED))
    full = console.open[FULL]
    console.switch.stop()
    console.switch.stop()
    full.push(frame(keyframe=True))
    full.end(MediaError("over"))
    assert console.open == {} and console.shown == [] and console.errors == []
    console.switch.show(key(HALF))
    assert not console.switch.subscribed and console.open == {}


def test_the_end_of_either_rendition_is_told() -> None:
    for layer in (FULL, REDUCED):
        console = Console()
        console.switch.start(console.subscribe, key(FULL))
        console.switch.show(key(REDUCED))
        console.open[layer].end(MediaError("over"))
        assert [str(error) for error in console.errors] == ["over"]


def test_keyframes_are_asked_of_the_layer_that_is_shown() -> None:
    console = Console()
    console.switch.request_keyframe()
    assert console.keyframes_asked == 0
    console.switch.start(console.subscribe, key(FULL))
    console.switch.request_keyframe()
    assert console.keyframes_asked == 1
