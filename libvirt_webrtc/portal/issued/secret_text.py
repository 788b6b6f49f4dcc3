"""The text of an API token or a link's secret: recognizable, checked for mistyping, and not to be guessed."""

import hashlib
import secrets
import string
import zlib

TOKEN_PREFIX = "lvw_"  # noqa: S105 (what every token begins with)
"""What an API token begins with, so that people and secret scanners know one when they see it."""
LINK_PREFIX = "lvs_"
"""The same of a link's secret."""

ALPHABET = string.digits + string.ascii_letters
"""One click selects a word of these in a terminal, and no shell or URL changes any of them."""
RANDOM_CHARACTERS = 33
"""62^33 is more than 2^196."""
CHECK_CHARACTERS = 6
"""62^6 is more than the 2^32 values of CRC-32."""


def new_secret(prefix: str) -> str:
    """A new secret: the prefix, 33 random characters, and six that check the rest."""
    text = prefix + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    return text + _check(text)


def is_whole(text: str, prefix: str) -> bool:
    """Whether ``text`` is one of this kind, with nothing lost or mistyped on its way. It may still be nobody's."""
    body, check = text[:-CHECK_CHARACTERS], text[-CHECK_CHARACTERS:]
    return text.isascii() and text.startswith(prefix) and check == _check(body)


def secret_hash(text: str) -> str:
    """What is kept of a secret: SHA-256, in hexadecimal digits.

    A slow hash is for passwords, which can be guessed from a hash. Among 2^196 random texts nobody finds one, whatever
    the hash costs; and this one is computed for each request. Looking a hash up needs no constant time: a guesser does
    not choose what a hash begins with.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _check(text: str) -> str:
    rest = zlib.crc32(text.encode("ascii", "replace"))
    digits = ""
    for _ in range(CHECK_CHARACTERS):
        rest, digit = divmod(rest, len(ALPHABET))
        digits += ALPHABET[digit]
    return digits
