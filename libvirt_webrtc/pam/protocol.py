"""What goes over the PAM helper's socket: one question, one answer, a line of JSON each."""

from enum import StrEnum

import msgspec

SERVICE = "libvirt-webrtc"
"""PAM's name for this program: its rules are in the file of this name in /etc/pam.d."""

MAX_NAME_BYTES = 256
"""As Linux has it (``LOGIN_NAME_MAX``)."""
MAX_PASSWORD_BYTES = 511
"""As Linux-PAM has it (``PAM_MAX_RESP_SIZE``)."""
MAX_QUESTION_BYTES = 8 * 1024
"""Six characters of JSON for each byte of the two, at most, and what is around them."""
MAX_ANSWER_BYTES = 256 * 1024
MAX_GROUPS = 4096
"""Of one user; a directory can have thousands."""

ASK_S = 5.0
"""The question has to be there this many seconds after connecting."""
CHECK_S = 30.0
"""PAM has this many seconds: modules may ask a directory elsewhere."""


class Verdict(StrEnum):
    """What PAM says."""

    YES = "yes"
    NO = "no"
    """The password is not right, there is no such user, or it is root's."""
    NO_ACCESS = "no-access"
    """The password is right, but the account has expired, or the account stage refuses it."""
    CHANGE_PASSWORD = "change-password"
    """The password is right, and has to be changed, which is done elsewhere."""
    BUSY = "busy"
    """Nothing was checked: too many checks at the same time, or for this user."""
    FAILED = "failed"
    """PAM could not tell; the helper's log says why."""


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who somebody says to be, and with which password."""

    name: str
    password: str

    def can_be_right(self) -> bool:
        """Whether PAM is to see it at all: it takes C's strings of bounded length."""
        try:
            name, password = self.name.encode(), self.password.encode()
        except UnicodeEncodeError:
            return False
        return (
            0 < len(name) <= MAX_NAME_BYTES
            and 0 < len(password) <= MAX_PASSWORD_BYTES
            and not any(ord(character) < 32 for character in self.name)
            and "\0" not in self.password
        )


class CheckedUser(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The answer."""

    verdict: Verdict
    name: str = ""
    """As the system spells it, where the verdict is yes: directories may take several spellings for one user."""
    groups: tuple[str, ...] = ()
    """The names of the user's groups."""


def read_question(line: bytes) -> Question:
    """Raises msgspec.MsgspecError, whose text may quote the line: do not log it."""
    return msgspec.json.decode(line, type=Question)


def read_answer(line: bytes) -> CheckedUser:
    """Raises msgspec.MsgspecError."""
    return msgspec.json.decode(line, type=CheckedUser)


def write_line(message: Question | CheckedUser) -> bytes:
    """The message as it goes over the socket."""
    return msgspec.json.encode(message) + b"\n"
