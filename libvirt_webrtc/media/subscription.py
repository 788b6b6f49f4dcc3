"""One viewer's place in a rendition."""

from collections.abc import Callable

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.formats import RenditionKey
from libvirt_webrtc.media.rtp.frame import RtpFrame


class Subscription:
    """Gives one viewer the frames of one rendition, until the viewer closes it or the rendition ends.

    The rendition makes it, and calls the two callbacks in the event loop's thread, never from within
    :data:`Subscribe`.

    Args:
        key: what the rendition is.
        on_frame: called with each frame.
        on_end: called once, when there will be no more frames and the viewer has not closed the subscription.
        request_keyframe: asks the rendition for a keyframe.
        leave: takes the subscription off the rendition.
    """

    def __init__(
        self,
        key: RenditionKey,
        on_frame: "OnFrame",
        on_end: "OnEnd",
        *,
        request_keyframe: Callable[[], None],
        leave: Callable[["Subscription"], None],
    ) -> None:
        self.key = key
        self.request_keyframe = request_keyframe
        self._on_frame = on_frame
        self._on_end = on_end
        self._leave = leave

    def close(self) -> None:
        """Take no more frames; a rendition without subscriptions ends. Idempotent."""
        self._leave(self)

    # Called by the rendition

    def push(self, frame: RtpFrame) -> None:
        """Give the viewer a frame."""
        self._on_frame(self, frame)

    def end(self, error: MediaError) -> None:
        """Tell the viewer that there will be no more frames, and why."""
        self._on_end(self, error)


OnFrame = Callable[[Subscription, RtpFrame], None]
OnEnd = Callable[[Subscription, MediaError], None]
Subscribe = Callable[[RenditionKey, OnFrame, OnEnd], Subscription]
"""Finds or makes the rendition of a key, and subscribes to it; it raises MediaError where the console's video is
closed. :meth:`libvirt_webrtc.media.console_video.ConsoleVideo.subscribe` is one."""
