"""What is said where a header does not fit the portal's address: which one, what came, what should have, what to write.

Whoever is told may be a stranger. So the public address is named only to requests that show that they know it, or that
came through a proxy that the operator trusts; and nothing else of the settings is.
"""

from libvirt_webrtc.config.portal import PublicUrl
from libvirt_webrtc.portal.problems import Problem

SHOWN = 120
"""Characters of a header that are repeated."""


class Misfit(Problem):
    """A header that does not fit.

    Attributes:
        why: what follows from it, in words.
        header: its name.
        arrived: what it said, made printable; None: there was none.
        expected: what it should say.
        write: what to write in nginx's configuration.
    """

    def __init__(
        self, kind: str, why: str, header: str, arrived: str | None, expected: str, write: str
    ) -> None:
        self.why = why
        self.header = header
        self.arrived = None if arrived is None else printable(arrived)
        self.expected = expected
        self.write = write
        came = "is missing" if self.arrived is None else f"arrived as {self.arrived!r}"
        super().__init__(403, kind, f"{why}: {header} {came}, and should be {expected}. In nginx: {write}")


def printable(text: str) -> str:
    """Text of a header, short and without what would not be seen."""
    text = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def host_replaced(public: PublicUrl, arrived: str) -> Misfit:
    """A proxy sends its own ``Host`` in place of the browser's."""
    why = "the reverse proxy does not pass on which host name the browser asked for"
    return Misfit("wrong_host", why, "Host", arrived, public.authority, "proxy_set_header Host $http_host;")


def client_missing(arrived: str | None) -> Misfit:
    """A proxy does not say whom it got a request from."""
    why = "the reverse proxy does not say which address a request comes from"
    write = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"
    return Misfit("wrong_forwarded_for", why, "X-Forwarded-For", arrived, "the client's address", write)


def scheme_missing(public: PublicUrl) -> Misfit:
    """A proxy does not say how the browser spoke to it."""
    why = f"the reverse proxy does not say whether the browser uses {public.scheme}"
    write = "proxy_set_header X-Forwarded-Proto $scheme;"
    return Misfit("wrong_forwarded_proto", why, "X-Forwarded-Proto", None, public.scheme, write)


def scheme_differs(public: PublicUrl, arrived: str) -> Misfit:
    """A browser speaks plain HTTP to a proxy that should speak HTTPS only."""
    why = f"this portal is at {public}, and was opened by another scheme"
    write = "return 308 https://$host$request_uri; in the server that listens on port 80"
    if public.scheme == "http":
        write = "listen 80; in place of listen 443 ssl; or change public_url to https"
    return Misfit("wrong_forwarded_proto", why, "X-Forwarded-Proto", arrived, public.scheme, write)


def path_differs(base: str, path: str, arrived: str) -> Misfit:
    """A proxy has the portal in another folder than the settings."""
    why = "this page was opened in another folder than the portal's public_url says"
    write = f"location {path} {{ proxy_pass http://PORTAL/; }}, or change public_url"
    return Misfit("wrong_path", why, "Referer", arrived, f"below {base}", write)


def origin_differs(expected: str, arrived: str | None) -> Misfit:
    """A page of another site, or a proxy that changes or removes ``Origin``."""
    why = "a request that changes something must come from this site's own pages"
    write = "no proxy_set_header Origin at all: it passes on what the browser sends"
    return Misfit("wrong_origin", why, "Origin", arrived, expected, write)


def host_differs_from_origin(arrived: str, origin: str) -> Misfit:
    """A request from a page at another host name than its own ``Host``: most likely a proxy replaced that."""
    why = (
        "a request that changes something must come from this site's own pages, and this one's Host and Origin differ; "
        "if a reverse proxy is in front, it does not pass on the host name"
    )
    expected = printable(origin.partition("://")[2])
    return Misfit("wrong_origin", why, "Host", arrived, expected, "proxy_set_header Host $http_host;")
