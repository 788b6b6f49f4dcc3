"""One password, checked by PAM in a process that does nothing else: ``python -I -m libvirt_webrtc.pam.check``.

The question comes on standard input, and the answer goes to standard output. PAM's modules may hang or crash, and leave
passwords in memory: both end with this process.
"""

import argparse
import grp
import os
import pwd
import sys

import pam

from libvirt_webrtc.pam.protocol import (
    MAX_GROUPS,
    MAX_QUESTION_BYTES,
    SERVICE,
    CheckedUser,
    Question,
    Verdict,
    read_question,
    write_line,
)

_CANNOT_TELL = {
    pam.PAM_ABORT,
    pam.PAM_AUTHINFO_UNAVAIL,
    pam.PAM_BUF_ERR,
    pam.PAM_CONV_ERR,
    pam.PAM_MODULE_UNKNOWN,
    pam.PAM_OPEN_ERR,
    pam.PAM_SERVICE_ERR,
    pam.PAM_SYMBOL_ERR,
    pam.PAM_SYSTEM_ERR,
}


class TwoStages:
    """The library's check, which takes no flags, and does not tell which of PAM's two stages refused.

    Attributes:
        proved: the password was right.
    """

    def __init__(self) -> None:
        self.proved = False
        self._library = pam.PamAuthenticator()
        self._authenticate = self._library.pam_authenticate
        self._library.pam_authenticate = self._first_stage

    def check(self, question: Question) -> Verdict:
        """Both stages. No credentials are made: nobody's session on the machine begins here."""
        library = self._library
        if library.authenticate(question.name, question.password, SERVICE, resetcreds=False):
            return Verdict.YES
        if library.code in _CANNOT_TELL:
            print(f"PAM fails: {library.reason} (code {library.code})", file=sys.stderr)
            return Verdict.FAILED
        if not self.proved:
            return Verdict.NO
        return Verdict.CHANGE_PASSWORD if library.code == pam.PAM_NEW_AUTHTOK_REQD else Verdict.NO_ACCESS

    def _first_stage(self, handle: object, flags: int) -> int:
        # Debian's rules have "nullok": whoever has no password signs in with any, as on the machine's own terminal.
        code = int(self._authenticate(handle, flags | pam.PAM_DISALLOW_NULL_AUTHTOK))
        self.proved = code == pam.PAM_SUCCESS
        return code


def check(question: Question, *, allow_root: bool) -> CheckedUser:
    """Ask PAM. Blocking, without a limit of its own."""
    try:
        entry = pwd.getpwnam(question.name)
    except KeyError:
        entry = None
    if entry is not None and entry.pw_uid == 0 and not allow_root:
        # Before PAM: how long that takes would tell whether the password is right.
        return CheckedUser(Verdict.NO)
    verdict = TwoStages().check(question)
    if verdict is not Verdict.YES:
        return CheckedUser(verdict)
    if entry is None:
        print("PAM takes a user that the system does not know (NSS)", file=sys.stderr)
        return CheckedUser(Verdict.FAILED)
    return CheckedUser(Verdict.YES, entry.pw_name, _groups(entry))


def _groups(entry: pwd.struct_passwd) -> tuple[str, ...]:
    names = []
    for gid in os.getgrouplist(entry.pw_name, entry.pw_gid)[:MAX_GROUPS]:
        try:
            names.append(grp.getgrgid(gid).gr_name)
        except KeyError:  # a number without a name: no rule can mean it
            continue
    return tuple(names)


def main() -> int:
    """Read, check, answer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--allow-root", action="store_true")
    arguments = parser.parse_args()
    question = read_question(sys.stdin.buffer.read(MAX_QUESTION_BYTES))
    answer = check(question, allow_root=arguments.allow_root)
    sys.stdout.buffer.write(write_line(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
