"""
IMAP4: the greeting, and all that a client says before it has logged in (RFC 3501).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHandshakeListener
from twisted.mail import imap4
from twisted.mail.imap4 import IAccount, IllegalClientResponse

from .._contracts import InterfaceType, Login
from ._handshakes import isHandshaking, listenForHandshake
from ._logins import Logins
from ._reasons import NotOffered, Reason

#: The tag of a command (RFC 3501, section 9), and how long it may be.
TAG = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\+]{1,255}(?= |\Z)')
_quoted = re.compile(rb'"((?:[^"\\\x00\r\n]|\\["\\])*)"(?: (.*)|\Z)', re.DOTALL)
_literal = re.compile(rb"\{([0-9]{1,9})\}")

# What a client is answered, with the codes of RFC 5530; with BAD and no code if the
# reason isn't here.
_CODES = {
    Reason.REFUSED: b"[AUTHENTICATIONFAILED] ",
    Reason.DISABLED: b"[CONTACTADMIN] ",
    Reason.EXPIRED: b"[EXPIRED] ",
    Reason.FORBIDDEN: b"[AUTHORIZATIONFAILED] ",
    Reason.UNAVAILABLE: b"[UNAVAILABLE] ",
    Reason.THROTTLED: b"[UNAVAILABLE] ",
    Reason.UNPRIVATE: b"[PRIVACYREQUIRED] ",
    Reason.UNSUPPORTED: b"",
    Reason.MISCONFIGURED: b"[CONTACTADMIN] ",
    Reason.DEFECT: b"[SERVERBUG] ",
}


@implementer(IHandshakeListener)
class IMAP4Server(Logins, imap4.IMAP4Server):
    """
    An IMAP4 server, in place of Twisted's.

    Its constructor takes the same arguments: C{chal}, mechanisms that the program brings
    along; C{contextFactory}, for STARTTLS; C{scheduler}.
    """

    service = "imap"
    avatarInterfaces = (IAccount,)

    _isGreetingLater = False

    def sendServerGreeting(self) -> None:
        """
        Send the greeting, when TLS knows who the client is: it has the capabilities.
        """
        if isHandshaking(self.transport) and listenForHandshake(self):
            self._isGreetingLater = True
        else:
            super().sendServerGreeting()

    def handshakeCompleted(self) -> None:
        """
        Send the greeting, if it has waited for TLS.
        """
        if self._isGreetingLater:
            self._isGreetingLater = False
            super().sendServerGreeting()

    def capabilities(self) -> dict[bytes, list[bytes] | None]:
        """
        Return the capabilities, as Twisted's class does: by name, their values.
        """
        capabilities: dict[bytes, list[bytes] | None] = super().capabilities()
        for name in (b"AUTH", b"LOGINDISABLED", b"STARTTLS"):
            capabilities.pop(name, None)
        if self.state != "unauth":
            return capabilities
        names = self.mechanismNames()
        mine: dict[bytes, list[bytes] | None] = {b"AUTH": names}
        if names:
            mine[b"SASL-IR"] = None
        if self.canBeginTLS:
            mine[b"STARTTLS"] = None
        if self._whyNoLogin() is not None:
            mine[b"LOGINDISABLED"] = None
        return {**mine, **capabilities}

    def commandReceived(self, line: bytes) -> None:
        """
        Take a line, unless it is a command whose tag makes no sense: an answer has it.
        """
        isCommand = self.parseState == "command"
        if isCommand and line.strip() and not TAG.match(line):
            self.resetTimeout()
            self.sendBadResponse(None, b"A tag expected")
        else:
            super().commandReceived(line)

    def parse_command(self, line: bytes) -> None:
        """
        Take a command.  Twisted's class sends the text of an exception, which nobody is
        to see who hasn't logged in.
        """
        try:
            super().parse_command(line)
        except Exception:
            if self.state != "unauth":
                raise
            self._log.failure("A command failed")
            self.sendBadResponse(None, b"Server error")

    def setRawMode(self) -> None:
        """
        Take what follows for a literal, also lines that have come already and waited.
        """
        super().setRawMode()
        waiting = b"".join(line + self.delimiter for line in self._lines)
        begun = self.clearLineBuffer()
        self._forget()
        self._buffer = waiting + begun

    def _take(self) -> None:
        """
        Take the lines that needn't wait, and a literal of the last of them.
        """
        super()._take()
        if not (self.line_mode or self._isTaking):
            self.dataReceived(b"")

    def _sendTooLong(self) -> None:
        """
        Tell the client that a line is too long.
        """
        self.sendUntaggedResponse(b"BYE Line too long")

    def dispatchCommand(
        self, tag: bytes, cmd: bytes, rest: bytes | None, uid: object = None
    ) -> None:
        """
        Carry out a command.  Twisted's class takes no arguments for L{None}, which not
        all that parse arguments expect.
        """
        super().dispatchCommand(tag, cmd, rest or b"", uid)

    def lookupCommand(self, cmd: bytes) -> Any:
        """
        Return what carries out a command; L{None} if there is none.
        """
        return super().lookupCommand(cmd) if cmd.isalpha() else None

    def _sendChallenge(self, line: bytes) -> None:
        """
        Send a challenge.  An empty one has its space (RFC 3501, section 7.5).
        """
        self.sendLine(b"+ " + line)

    def arg_rest(self, line: bytes | None) -> tuple[bytes, bytes]:
        """
        Return all arguments as one.
        """
        return line or b"", b""

    def arg_string(self, line: bytes | None) -> Any:
        """
        Parse an C{astring}: an atom, a quoted string, or a literal.

        @return: the string and what follows it, or a L{Deferred} of both.

        @raise IllegalClientResponse: if it is none.
        """
        line = (line or b"").strip()
        if line.startswith(b'"'):
            quoted = _quoted.match(line)
            if quoted is None:
                raise IllegalClientResponse("Malformed string")
            return re.sub(rb"\\(.)", rb"\1", quoted[1]), quoted[2] or b""
        if line.startswith(b"{"):
            literal = _literal.fullmatch(line)
            if literal is None:
                raise IllegalClientResponse("Malformed literal")
            return self._stringLiteral(int(literal[1]))
        if not line:
            raise IllegalClientResponse("Missing argument")
        word, _, rest = line.partition(b" ")
        return word, rest

    def do_AUTHENTICATE(self, tag: bytes, rest: bytes) -> None:
        """
        Log in by SASL (RFC 3501, section 6.2.2), with an initial response (RFC 4959).
        """
        words = rest.split()
        if not 0 < len(words) < 3:
            self.sendBadResponse(tag, b"A mechanism expected, and an initial response")
            return
        name, initial = words[0], words[1] if len(words) > 1 else None
        success = b"Authentication successful"
        self._carryOut(tag, lambda: self._authenticateBy(name, initial), success)

    unauth_AUTHENTICATE: Any = (do_AUTHENTICATE, arg_rest)

    def do_LOGIN(self, tag: bytes, user: bytes, passwd: bytes) -> None:
        """
        Log in by a password.
        """

        def begin() -> Deferred[Login]:
            if b"LOGINDISABLED" in self.capabilities():
                # A program may say so, too.
                raise NotOffered(self._whyNoLogin() or Reason.UNSUPPORTED)
            self.openSession()
            login: Deferred[Login] = self.authenticateLogin(user, passwd)
            return login

        self._carryOut(tag, begin, b"LOGIN succeeded")

    unauth_LOGIN: Any = (do_LOGIN, arg_string, arg_string)

    def _whyNoLogin(self) -> Reason | None:
        """
        Return why nobody can log in by the command LOGIN; L{None} if users can.
        """
        if not self.isClearTextAllowed:
            return Reason.UNPRIVATE
        theirs = imap4.IMAP4Server.authenticateLogin
        isOwn = getattr(self.authenticateLogin, "__func__", None) is not theirs
        return None if isOwn or self._hasPasswords else Reason.UNSUPPORTED

    def _carryOut(
        self, tag: bytes, begin: Callable[[], Deferred[Login]], success: bytes
    ) -> None:
        """
        Carry out a login, and answer the command.
        """

        def done() -> None:
            self.sendPositiveResponse(tag, success)

        def refuse(reason: Reason, text: bytes) -> None:
            code = _CODES.get(reason)
            if code is None:
                self.sendBadResponse(tag, text)
            else:
                self.sendNegativeResponse(tag, code + text)

        self._attempt(begin, done, refuse)

    def avatarReceived(self, interface: InterfaceType, avatar: Any) -> None:
        """
        Take the account.
        """
        self.account = avatar
        self.state = "auth"
        self.setTimeout(self.POSTAUTH_TIMEOUT)

    def _tellLast(self) -> None:
        """
        Tell the client that the connection ends.
        """
        self.sendUntaggedResponse(b"BYE Too many failed logins")

    def do_STARTTLS(self, tag: bytes) -> None:
        """
        Begin with TLS (RFC 3501, section 6.2.1).
        """

        def tell() -> None:
            self.sendPositiveResponse(tag, b"Begin TLS negotiation now")

        def refuse() -> None:
            self.sendNegativeResponse(tag, b"TLS not available")

        if self.canBeginTLS:
            self.startTLS(tell, refuse)
        elif self.facts.isSecure or self.startedTLS:
            self.sendNegativeResponse(tag, b"TLS already negotiated")
        else:
            refuse()

    unauth_STARTTLS: Any = (do_STARTTLS,)


__all__ = ["TAG", "IMAP4Server"]
