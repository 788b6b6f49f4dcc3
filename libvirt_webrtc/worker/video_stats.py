"""Turns the media package's figures into the values that the portal and the pages are told."""

from typing import Any

from libvirt_webrtc.agent.stats import ConsoleStats, RenditionView, ViewerView
from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.media.rendition_stats import RenditionStats
from libvirt_webrtc.media.track import ConsoleTrack


def console_stats(video: ConsoleVideo, tracks: list[ConsoleTrack]) -> ConsoleStats:
    """What one console's video does, with the viewers of these tracks."""
    return ConsoleStats(tuple(map(_rendition, video.stats().renditions)), tuple(map(_viewer, tracks)))


def own_stats(video: ConsoleVideo, track: ConsoleTrack) -> dict[str, Any]:
    """The document of one viewer's STATS: itself, and the rendition that it watches (null before there is one)."""
    renditions = [_rendition(stats) for stats in video.stats().renditions if stats.key == track.key]
    own = ConsoleStats(tuple(renditions), (_viewer(track),)).as_json()
    return {"viewer": own["viewers"][0], "rendition": next(iter(own["renditions"]), None)}


def _rendition(stats: RenditionStats) -> RenditionView:
    width, height = stats.size
    return RenditionView(
        format=stats.key.format.value,
        layer=stats.key.layer.name,
        encoder=stats.encoder,
        encoder_reason=stats.encoder_reason,
        width=width,
        height=height,
        viewers=stats.viewers,
        frames=stats.frames,
        keyframes=stats.keyframes,
        bytes=stats.bytes,
        failures=stats.failures,
        fps=stats.rates.fps,
        bits_per_second=stats.rates.bits_per_second,
        encode_ms=stats.rates.encode_ms,
        delay_ms=stats.rates.delay_ms,
    )


def _viewer(track: ConsoleTrack) -> ViewerView:
    stats = track.stats()
    return ViewerView(
        format=stats.format.value,
        layer=stats.layer,
        reason=stats.reason,
        frames=stats.frames,
        keyframes=stats.keyframes,
        bytes=stats.bytes,
        dropped=stats.dropped,
        target_bits_per_second=stats.target_bps,
        fraction_lost=float(stats.loss),
        rtt_ms=None if stats.rtt_s is None else stats.rtt_s * 1000,
    )
