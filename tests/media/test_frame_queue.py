"""The frames that wait for one viewer: handed over in their order, and dropped for a viewer that is too slow."""

from libvirt_webrtc.media.encode.frame import EncodedFrame
from libvirt_webrtc.media.formats import VideoFormat
from libvirt_webrtc.media.frame_queue import MAX_WAIT_BEHIND_KEYFRAME_S, MAX_WAIT_S, FrameQueue
from libvirt_webrtc.media.rtp.frame import RtpFrame


def frame(*, keyframe: bool = False) -> RtpFrame:
    return RtpFrame(EncodedFrame(VideoFormat.H264, 0, keyframe, b"data"), (b"payload",))


def test_frames_come_out_in_their_order_from_a_keyframe_on() -> None:
    queue, key, following = FrameQueue(), frame(keyframe=True), frame()
    assert queue.put(0.0, frame()) and not queue, "a new viewer cannot decode it"
    queue.put(0.0, key)
    queue.put(0.0, following)
    assert (queue.take(), queue.take()) == (key, following) and not queue
    counts = queue.counts
    assert (counts.frames, counts.keyframes, counts.bytes, counts.dropped) == (2, 1, 8, 0)


def test_a_slow_viewer_gets_nothing_until_a_keyframe() -> None:
    queue = FrameQueue()
    queue.put(0.0, frame(keyframe=True))
    queue.take()
    queue.sent(0.0)
    assert queue.put(1.0, frame()) and queue.put(0.9 + MAX_WAIT_S, frame())
    assert not queue.put(1.1 + MAX_WAIT_S, frame()) and not queue.synced and not queue
    assert queue.counts.dropped == 3
    assert queue.put(2.0, frame(keyframe=True)) and queue.synced and queue


def test_frames_may_wait_longer_behind_a_keyframe() -> None:
    queue = FrameQueue()
    queue.put(0.0, frame(keyframe=True))
    queue.take()
    assert queue.put(0.0, frame()) and queue.put(MAX_WAIT_S + 0.1, frame())
    assert not queue.put(MAX_WAIT_BEHIND_KEYFRAME_S + 0.1, frame())


def test_a_keyframe_is_on_its_way_until_it_has_been_sent() -> None:
    queue = FrameQueue()
    queue.put(0.0, frame(keyframe=True))
    assert queue.keyframe_on_its_way
    queue.take()
    assert queue.keyframe_on_its_way
    queue.sent(3.0)
    assert not queue.keyframe_on_its_way and queue.keyframe_left_at == 3.0
    queue.put(3.0, frame())
    queue.take()
    queue.sent(4.0)
    assert queue.keyframe_left_at == 3.0


def test_the_rest_of_a_frame_is_not_wanted_after_another_layers_keyframe() -> None:
    queue = FrameQueue()
    queue.put(0.0, frame(keyframe=True))
    sending = queue.take()
    queue.put(0.0, frame())
    assert queue.is_wanted(sending)
    queue.replace()
    assert not queue.is_wanted(sending) and not queue and queue.counts.dropped == 1
