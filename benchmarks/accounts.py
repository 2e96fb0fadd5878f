"""
Logins by UNIX accounts with yescrypt: 50 at a time, and how late the reactor comes.

Accounts are looked up in threads, and by processes of their own as C{--auth=unix}
does when root starts it.  The limit is what the processors can do: the same
verifications in as many threads, with nothing around them.  Twisted's checker is
measured where Python still has C{crypt}.

PAM is measured with a service that accepts everyone, to see what is around it.
"""

from __future__ import annotations

import tempfile
import warnings
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from twisted.internet.defer import inlineCallbacks
from twisted.plugins.cred_unix import UNIXChecker
from twisted.python.fakepwd import UserDatabase

from mycred._hashes import _libcrypt
from mycred.checkers import PAMChecker, PasswdChecker
from mycred.credentials import UsernamePassword

from ._lag import measured, underReactor
from .hashes import GOAL, LAG_GOAL, ROUNDS, THREADS, limit, together

CLIENTS, LOGINS, PAM_LOGINS = 50, 150, 3000


def credentials(user: int) -> UsernamePassword:
    """
    Present a user's name and password.
    """
    return UsernamePassword(b"user%d" % user, b"sesame")


@inlineCallbacks
def compare(reactor: Any, name: str, checker: Any, stored: bytes) -> Any:
    """
    Measure a checker, and print.
    """

    def check(user: int) -> Any:
        return checker.requestAvatarId(credentials(user))

    yield check(0)
    results = []
    for _ in range(ROUNDS):
        most = limit(stored, LOGINS)
        work = partial(together, check, LOGINS, CLIENTS)
        seconds, p99, worst = yield measured(reactor, work)
        results.append((LOGINS / seconds, most, p99, worst))
    rate, most, p99, worst = (median(column) for column in zip(*results))
    share = median(r / m for r, m, _, _ in results)
    missed = share < GOAL or p99 > LAG_GOAL
    print(
        f"{name:18} {rate:9.1f}/s {most:9.1f}/s {share:6.1%} "
        f"{p99:7.1f} ms {worst:7.1f} ms{' MISSED' if missed else ''}"
    )


@inlineCallbacks
def theirs(reactor: Any, stored: bytes) -> Any:
    """
    Measure Twisted's checker, and print.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import crypt as crypt
        except ImportError:
            print("(twisted.cred)     is nothing on this Python, which has no crypt")
            return
    users = UserDatabase()
    for user in range(CLIENTS + 1):
        users.addUser(f"user{user}", stored.decode(), 1, 1, "", "/", "/bin/sh")
    checker = UNIXChecker()

    def check(user: int) -> Any:
        return checker.checkPwd(users, f"user{user}", b"sesame")

    seconds, p99, worst = yield measured(
        reactor, lambda: together(check, CLIENTS, CLIENTS)
    )
    print(
        f"{'(twisted.cred)':18} {CLIENTS / seconds:9.1f}/s {'':11} {'':6} "
        f"{p99:7.1f} ms {worst:7.1f} ms"
    )


@inlineCallbacks
def pam(reactor: Any, directory: Path) -> Any:
    """
    Measure PAM, and print.
    """
    lines = "auth required pam_permit.so\naccount required pam_permit.so\n"
    (directory / "permit").write_text(lines)
    try:
        checker = PAMChecker("permit", confdir=str(directory))
    except ValueError as error:
        print(f"PAM: {error}")
        return

    def check(user: int) -> Any:
        return checker.requestAvatarId(credentials(user))

    work = partial(together, check, PAM_LOGINS, CLIENTS)
    seconds, p99, worst = yield measured(reactor, work)
    print(
        f"{'PAM, pam_permit':18} {PAM_LOGINS / seconds:9.1f}/s {'':11} {'':6} "
        f"{p99:7.1f} ms {worst:7.1f} ms"
    )


@inlineCallbacks
def run(reactor: Any) -> Any:
    """
    Measure all of them.
    """
    stored = _libcrypt.crypt(b"sesame", b"$y$j9T$saltsaltsaltsalt$")
    if stored is None:
        print("the system's libcrypt doesn't know yescrypt")
        return
    print(f"Logins by accounts, {THREADS} processors, {CLIENTS} at a time, yescrypt")
    print(f"goals: {GOAL:.0%} of the limit, a lag of {LAG_GOAL} ms at p99")
    print("looked up by             mycred        limit  share  lag p99    lag max")
    yield theirs(reactor, stored)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        passwd, shadow = directory / "passwd", directory / "shadow"
        users = range(LOGINS)
        passwd.write_bytes(b"".join(b"user%d:x:%d:1:::\n" % (n, n) for n in users))
        lines = (b"user%d:%s:19000:0:99999:7:::\n" % (n, stored) for n in users)
        shadow.write_bytes(b"".join(lines))
        for label, separate in [("threads", False), ("other processes", True)]:
            checker = PasswdChecker(str(passwd), str(shadow), separate=separate)
            yield compare(reactor, label, checker, stored)
        yield pam(reactor, directory)


def main() -> None:
    """
    Print logins a second, their share of the limit, and the lag.
    """
    underReactor(run)
