"""
A program that writes users' keys (sshd_config(5), "AuthorizedKeysCommand").
"""

from __future__ import annotations

import os
import pwd
import re
import shlex
from functools import partial
from typing import Any, NamedTuple

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.error import ProcessDone
from twisted.internet.interfaces import IProcessTransport
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..._audit import withReason
from ..._fairqueue import Source
from ..._fairsemaphore import FairSemaphore
from ..._paths import AnyPath, asPath
from ..._processtree import kill
from ..._secrets import printable
from ..._sshkeys import Offer, UnsafeFile, insistOnModes, signingKeyOf
from ..._threads import processorCount
from ..._verdict import Account
from ...error import TemporaryFailure

# So many logins may wait for a program, those with it that has been started.
_MOST = 200

# What the environment of a program holds, as from sshd.
_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


class KeysCommand:
    """
    A program that writes the lines of an authorized_keys file for a user.

    It is started by the reactor for each login that no file decides, with nothing of
    the server's environment, and killed if it takes too long or writes too much.

    @ivar path: the path of the program.
    """

    _log = Logger()

    def __init__(
        self,
        command: AnyPath,
        user: str | None = None,
        *,
        deadline: float = 10.0,
        mostOutput: int = 2**20,
        reactor: Any = None,
    ) -> None:
        """
        @param command: the full path of a program, and its arguments, as a shell would
            split them.  In them C{%u} stands for the name of the user, C{%h} for their
            home directory, C{%U} for their uid, C{%t} for the type of the key, C{%f}
            for its fingerprint, C{%k} for the key itself and C{%%} for C{%}.  What
            isn't text is the path of a program without arguments.  A program without
            arguments gets the name of the user.
        @param user: the account that runs it, with no rights that it doesn't need; if
            L{None}, the account that runs the server, which must not be root.
        @param deadline: how long it may take, in seconds.
        @param mostOutput: how much it may write, in bytes.
        @param reactor: what starts it; the reactor that is installed if L{None}.

        @raise ValueError: if it can't be run: the arguments can't be parsed; there is no
            such account, or this process may not become it; other users could have
            written the program.
        @raise OSError: if there is no such program.
        """
        if not isinstance(command, str):
            command = shlex.quote(asPath(command))
        try:
            self.path, *self._arguments = shlex.split(command) or [""]
        except ValueError:
            raise ValueError("a quote in it has no end") from None
        if not self.path.startswith("/"):
            raise ValueError("write the full name of a program, such as /usr/bin/keys")
        for argument in self._arguments:
            if re.sub("%[%uhUtfk]", "", argument).count("%"):
                raise ValueError("a % must be followed by u, h, U, t, f, k, or another %")
        self._runner = _findRunner(user)
        self._deadline = deadline
        self._mostOutput = mostOutput
        self._reactor = reactor
        refuse = partial(self._trouble, "too many logins wait for it")
        places = 2 * processorCount()
        self._places = FairSemaphore(places, max(_MOST - places, places), refuse)
        _insistOnSafety(self.path)

    def run(self, account: Account, offer: Offer, source: Source = ()) -> Deferred[bytes]:
        """
        Run the program.

        @param account: the account.
        @param offer: the key or the certificate.
        @param source: who asks; sources take turns.

        @return: a L{Deferred} that fires with what it has written, or fails with
            L{TemporaryFailure} if it fails, takes too long, or too many logins wait for
            it.
        """
        return self._places.run(source, self._start, account, offer)

    def _start(self, account: Account, offer: Offer) -> Deferred[bytes]:
        """
        Start the program.
        """
        reactor = self._reactor
        if reactor is None:
            from twisted.internet import reactor
        output = _Output(self._mostOutput)
        try:
            uid, gid = _idsFor(self._runner)
            # It may have been changed since the start.
            _insistOnSafety(self.path)
            reactor.spawnProcess(
                output,
                self.path,
                [self.path, *self._argumentsFor(account, offer)],
                {"PATH": _PATH},
                "/",
                uid,
                gid,
                childFDs={0: "w", 1: "r", 2: "r"},
            )
        except (OSError, ValueError) as error:
            return fail(self._trouble(str(error)))
        timer = reactor.callLater(self._deadline, output.give, "it takes too long")

        def done(result: bytes | Failure) -> bytes | Failure:
            if timer.active():
                timer.cancel()
            if isinstance(result, Failure) and not result.check(CancelledError):
                return Failure(self._trouble(str(result.value)))
            return result

        return output.done.addBoth(done)

    def _argumentsFor(self, account: Account, offer: Offer) -> list[str]:
        """
        Return the arguments for a login.
        """
        if not self._arguments:
            return [account.name]
        key = signingKeyOf(offer)
        tokens = {
            "%": "%",
            "U": str(account.uid),
            "f": key.fingerprint,
            "h": account.home,
            "k": key.base64.decode("ascii"),
            "t": key.type.decode("ascii"),
            "u": account.name,
        }
        return [
            re.sub("%(.)", lambda match: tokens[match[1]], argument)
            for argument in self._arguments
        ]

    def _trouble(self, why: str) -> TemporaryFailure:
        """
        Log what is wrong with the program.

        @return: the error for the client.
        """
        self._log.error("{path}: {why}", path=self.path, why=printable(why))
        return withReason(
            TemporaryFailure("Temporarily unavailable"), f"{self.path}: {why}"
        )


class _Output(ProcessProtocol):
    """
    What a program writes.

    @ivar done: fires with it when the program has ended well.
    """

    transport: IProcessTransport

    def __init__(self, most: int) -> None:
        self._most = most
        self._parts: list[bytes] = []
        self._size = 0
        self.done: Deferred[bytes] = Deferred(lambda _: self._end())

    def connectionMade(self) -> None:
        """
        Close its standard input: it has nothing to read.
        """
        self.transport.closeStdin()

    def outReceived(self, data: bytes) -> None:
        """
        Keep what it writes, until it is too much.
        """
        self._parts.append(data)
        self._size += len(data)
        if self._size > self._most:
            self.give("it writes too much")

    def processEnded(self, reason: Failure) -> None:
        """
        Hand over what it has written, if it has ended well.
        """
        if self.done.called:
            return
        if reason.check(ProcessDone):
            self.done.callback(b"".join(self._parts))
        else:
            self.done.errback(reason)

    def give(self, why: str) -> None:
        """
        Give the program up.
        """
        if not self.done.called:
            self._end()
            self.done.errback(OSError(why))

    def _end(self) -> None:
        """
        Kill the process and stop reading; a descendant that still holds the pipe open is
        not waited for.
        """
        pid: int | None = self.transport.pid
        if pid is not None:
            kill(pid)
        self.transport.loseConnection()


class _Runner(NamedTuple):
    """
    The account that runs a program of a server that root starts.

    @ivar name: the name of the account.
    @ivar uid: its uid.
    @ivar gid: the gid of its primary group.
    @ivar gids: the gids of all groups that it is in.
    """

    name: str
    uid: int
    gid: int
    gids: frozenset[int]


def _findRunner(user: str | None) -> _Runner | None:
    """
    Return the account that is to run the program; L{None} for the one that runs this
    process and isn't root.

    @param user: the name of an account; L{None} for the one that runs this process.
    """
    if user is None:
        if not os.geteuid():
            raise ValueError(
                "say which account runs it, such as commanduser=nobody, since the "
                "server runs as root"
            )
        return None
    try:
        record = pwd.getpwnam(user)
    except (KeyError, ValueError):
        raise ValueError(f"there is no account {user!r} to run it") from None
    uid, gid = record.pw_uid, record.pw_gid
    if os.geteuid():
        if uid == os.geteuid():
            return None
        raise ValueError(f"it takes root to run a program as {user}")
    return _Runner(user, uid, gid, frozenset(os.getgrouplist(record.pw_name, gid)))


def _idsFor(runner: _Runner | None) -> tuple[int | None, int | None]:
    """
    Return the uid and the gid with which a program is to be started; L{None} for those
    of this process.

    @raise ValueError: if this process may not do that any more.
    """
    if runner is None:
        return None, None
    if not os.geteuid():
        return (runner.uid, runner.gid) if runner.uid else (None, None)
    # What it could become again counts as well: so could the program.
    if set(os.getresuid()) != {runner.uid}:
        raise ValueError(
            f"it takes root to run it as {runner.name}, and the server has become "
            "somebody else"
        )
    others = {*os.getresgid(), *os.getgroups()} - runner.gids
    if others:
        raise ValueError(
            f"the server has become {runner.name}, and keeps the group {min(others)}, "
            f"in which {runner.name} isn't; tell twistd the account's own (--gid)"
        )
    return None, None


def _insistOnSafety(path: str) -> None:
    """
    Insist on a program that only root, or the user who runs this process, can have
    written.

    @raise ValueError: if other users can.
    @raise OSError: if it isn't there.
    """
    try:
        insistOnModes(os.path.realpath(path, strict=True), os.stat(path))
    except UnsafeFile as error:
        raise ValueError(str(error)) from None
    if not os.access(path, os.X_OK):
        raise ValueError(f"{path} can't be run")


__all__ = ["KeysCommand"]
