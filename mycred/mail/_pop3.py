"""
POP3: the greeting, and all that a client says before it has logged in (RFC 1939, 2449,
2595 and 5034).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from secrets import token_hex
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.mail import pop3
from twisted.mail.pop3 import IMailbox

from .._contracts import InterfaceType, Login
from ._challengers import Challenger
from ._logins import Logins
from ._reasons import NotOffered, Reason

# The codes of RFC 2449 and 3206; none if the reason isn't here.
_CODES = {
    Reason.REFUSED: b"[AUTH] ",
    Reason.DISABLED: b"[AUTH] ",
    Reason.EXPIRED: b"[AUTH] ",
    Reason.FORBIDDEN: b"[AUTH] ",
    Reason.UNPRIVATE: b"[AUTH] ",
    Reason.UNAVAILABLE: b"[SYS/TEMP] ",
    Reason.THROTTLED: b"[SYS/TEMP] ",
    Reason.MISCONFIGURED: b"[SYS/PERM] ",
    Reason.DEFECT: b"[SYS/TEMP] ",
}


class POP3(Logins, pop3.POP3):
    """
    A POP3 server, in place of Twisted's.

    It has STLS, and mechanisms that the program brings along are the C{challengers} of
    its factory, as in Twisted.
    """

    service = "pop3"
    avatarInterfaces = (IMailbox,)
    blocked: Any

    def __init__(self, contextFactory: Any = None) -> None:
        """
        @param contextFactory: the context factory for STLS.
        """
        self.ctx = contextFactory

    def connectionMade(self) -> None:
        """
        Send the greeting.
        """
        if self.magic is None:
            # With a time stamp in it clients try APOP.
            self.magic = self.generateMagic() if self._isAPOPOffered else b"POP3 ready"
        super().connectionMade()

    def generateMagic(self) -> bytes:
        """
        Return a time stamp for APOP that nobody can foresee.
        """
        return f"<{token_hex(16)}@{self.serverName().decode('ascii')}>".encode("ascii")

    @property
    def _isAPOPOffered(self) -> bool:
        """
        Whether users can log in by APOP: if the program has a way to check it.  It takes
        passwords that are stored as they are, and MD5, and Twisted's own way lets nobody
        in on Python 3.
        """
        theirs = pop3.POP3.authenticateUserAPOP
        return getattr(self.authenticateUserAPOP, "__func__", None) is not theirs

    @property
    def challengers(self) -> Mapping[bytes, Challenger] | None:  # type: ignore[override]
        """
        The mechanisms that the program brings along: the factory's.
        """
        given: Mapping[bytes, Challenger] | None
        given = getattr(self.factory, "challengers", None)
        return given

    def listCapabilities(self) -> list[bytes]:
        """
        Return the capabilities.
        """
        mine = (b"SASL", b"USER", b"PIPELINE", b"CELERITY", b"AUSPEX", b"POTENCE")
        theirs = super().listCapabilities()
        can = [one for one in theirs if one.partition(b" ")[0] not in mine]
        can += [b"PIPELINING", b"RESP-CODES", b"AUTH-RESP-CODE"]
        if self._whyNoPassword() is None:
            can.append(b"USER")
        if self.canBeginTLS and self.mbox is None:
            can.append(b"STLS")
        names = self.mechanismNames()
        if names:
            can.append(b"SASL " + b" ".join(names))
        return can

    def processCommand(self, command: bytes, *args: bytes) -> Any:
        """
        Carry out a command, if there is such a one, with these arguments, now.
        """
        if self.blocked is not None:
            return super().processCommand(command, *args)
        name = command.upper()
        carryOut = getattr(self, f"do_{name.decode('ascii', 'replace')}", None)
        if carryOut is None:
            return self.failResponse(b"Unknown command")
        if self.mbox is None and name not in self.AUTH_CMDS and name != b"STLS":
            return self.failResponse(b"Log in first")
        try:
            signature(carryOut).bind(*args)
        except TypeError:
            return self.failResponse(b"This command has other arguments")
        try:
            return carryOut(*args)
        except ValueError:
            # A number that isn't one, or not that of a message (IMailbox).
            return self.failResponse(b"Bad message number argument")
        except Exception:
            self._log.failure("A command failed")
            return self.failResponse(b"[SYS/TEMP] Server error")

    def state_COMMAND(self, line: bytes) -> Any:
        """
        Take a command.
        """
        return self.processCommand(*line.split(b" "))

    def _sendTooLong(self) -> None:
        """
        Tell the client that a line is too long.
        """
        self.failResponse(b"Line too long")

    def _sendChallenge(self, line: bytes) -> None:
        """
        Send a challenge.
        """
        self.sendLine(b"+ " + line)

    def do_AUTH(self, *words: bytes) -> None:
        """
        Log in by SASL (RFC 5034), or list the mechanisms.
        """
        given = [word for word in words if word]
        if not given:
            self.successResponse(b"Supported authentication methods:")
            for name in self.mechanismNames():
                self.sendLine(name)
            self.sendLine(b".")
        elif len(given) > 2:
            self.failResponse(b"A mechanism expected, and an initial response")
        else:
            initial = given[1] if len(given) > 1 else None
            self._carryOut(lambda: self._authenticateBy(given[0], initial))

    def do_APOP(self, user: bytes, digest: bytes) -> None:
        """
        Log in by APOP.
        """

        def begin() -> Deferred[Login]:
            if not self._isAPOPOffered:
                raise NotOffered(Reason.UNSUPPORTED)
            self.openSession()
            login: Deferred[Login] = self.authenticateUserAPOP(user, digest)
            return login

        self._carryOut(begin)

    def do_USER(self, *words: bytes) -> None:
        """
        Take the name of the user, which may have spaces in it.
        """
        why = self._whyNoPassword()
        if self.mbox is not None:
            self.failResponse(b"You are logged in already")
        elif why is not None:
            self._carryOut(lambda: fail(NotOffered(why)))
        else:
            super().do_USER(b" ".join(words))

    def do_PASS(self, *words: bytes) -> None:
        """
        Log in by a password, which may have spaces in it.
        """
        user, self._userIs = self._userIs, None
        if user is None:
            self.failResponse(b"USER required before PASS")
            return

        def begin() -> Deferred[Login]:
            why = self._whyNoPassword()
            if why is not None:
                raise NotOffered(why)
            self.openSession()
            password = b" ".join(words)
            login: Deferred[Login] = self.authenticateUserPASS(user, password)
            return login

        self._carryOut(begin)

    def _whyNoPassword(self) -> Reason | None:
        """
        Return why nobody can log in by USER and PASS; L{None} if users can.
        """
        if not self.isClearTextAllowed:
            return Reason.UNPRIVATE
        theirs = pop3.POP3.authenticateUserPASS
        isOwn = getattr(self.authenticateUserPASS, "__func__", None) is not theirs
        return None if isOwn or self._hasPasswords else Reason.UNSUPPORTED

    def _carryOut(self, begin: Callable[[], Deferred[Login]]) -> None:
        """
        Carry out a login, and answer the command.
        """
        if self.mbox is not None:
            self.failResponse(b"You are logged in already")
            return

        def done() -> None:
            self.successResponse(b"Authentication succeeded")

        def refuse(reason: Reason, text: bytes) -> None:
            self.failResponse(_CODES.get(reason, b"") + text)

        self._attempt(begin, done, refuse)

    def avatarReceived(self, interface: InterfaceType, avatar: Any) -> None:
        """
        Take the mailbox.
        """
        self.mbox = avatar

    def do_STLS(self) -> None:
        """
        Begin with TLS (RFC 2595, section 4).
        """

        def tell() -> None:
            self._userIs = None
            self.successResponse(b"Begin TLS negotiation now")

        def refuse() -> None:
            self.failResponse(b"TLS not available")

        if self.mbox is not None:
            self.failResponse(b"You are logged in already")
        elif self.canBeginTLS:
            self.startTLS(tell, refuse)
        elif self.facts.isSecure or self.startedTLS:
            self.failResponse(b"TLS already negotiated")
        else:
            refuse()


__all__ = ["POP3"]
