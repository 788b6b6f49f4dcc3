"""One viewer's subscriptions: to the rendition that it is shown, and to the one that is to replace it."""

from collections.abc import Callable

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.formats import RenditionKey
from libvirt_webrtc.media.rtp.frame import RtpFrame
from libvirt_webrtc.media.subscription import Subscribe, Subscription


class LayerSwitch:
    """Shows one rendition's frames, and moves to another at that one's first keyframe.

    Args:
        key: what is shown first.
        on_frame: called with each frame to be shown, and whether it is the first of another rendition.
        on_end: called when a rendition has ended.
    """

    def __init__(
        self,
        key: RenditionKey,
        on_frame: Callable[[RtpFrame, bool], None],
        on_end: Callable[[MediaError], None],
    ) -> None:
        self.key = key
        """What is shown, or will be shown first."""
        self._on_frame = on_frame
        self._on_end = on_end
        self._subscribe: Subscribe | None = None
        self._shown: Subscription | None = None
        self._next: Subscription | None = None

    @property
    def subscribed(self) -> bool:
        """Whether there is anything to show."""
        return self._shown is not None

    @property
    def changing(self) -> bool:
        """Whether the keyframe of another rendition is awaited."""
        return self._next is not None

    def start(self, subscribe: Subscribe, key: RenditionKey) -> None:
        """Show this rendition, which another subscription begins."""
        self._subscribe = subscribe
        self.key = key
        self._shown = self._join(subscribe, key)

    def show(self, key: RenditionKey) -> None:
        """Show this rendition from its next keyframe on; without a subscription, nothing is done."""
        if self._subscribe is None:
            return
        coming = self.key if self._next is None else self._next.key
        if key == coming:
            return
        if self._next is not None:
            self._next.close()
            self._next = None
        if key != self.key:
            self._next = self._join(self._subscribe, key)

    def request_keyframe(self) -> None:
        """Ask for a keyframe of what is shown."""
        if self._shown is not None:
            self._shown.request_keyframe()

    def stop(self) -> None:
        """End both subscriptions; :meth:`start` begins anew. Idempotent."""
        for subscription in (self._shown, self._next):
            if subscription is not None:
                subscription.close()
        self._subscribe = self._shown = self._next = None

    def _join(self, subscribe: Subscribe, key: RenditionKey) -> Subscription:
        return subscribe(key, self._receive, self._end)

    def _receive(self, subscription: Subscription, frame: RtpFrame) -> None:
        if subscription is self._next and frame.keyframe:
            if self._shown is not None:
                self._shown.close()
            self._shown, self._next = subscription, None
            self.key = subscription.key
            self._on_frame(frame, True)
        elif subscription is self._shown:
            self._on_frame(frame, False)

    def _end(self, subscription: Subscription, error: MediaError) -> None:
        if subscription in (self._shown, self._next):
            self._on_end(error)
