"""The headers of every response."""

from multidict import CIMultiDict

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What pages may load, and from where."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": (
        "fullscreen=(self), keyboard-map=(self), clipboard-read=(self), clipboard-write=(self), "
        "autoplay=(self), camera=(), microphone=(), display-capture=(), geolocation=(), usb=(), serial=(), "
        "hid=(), midi=(), payment=()"
    ),
    "Server": "libvirt-webrtc",
}
"""Sent with every response, beside ``Content-Security-Policy``. The pages use pointer and keyboard lock too, for which
no permission policy exists."""


def add_headers(headers: CIMultiDict[str]) -> None:
    """Add ``HEADERS`` to a response's; unless it says otherwise, it has ``POLICY`` and is not cached."""
    headers.update(HEADERS)
    headers.setdefault("Content-Security-Policy", POLICY)
    headers.setdefault("Cache-Control", "no-store")
