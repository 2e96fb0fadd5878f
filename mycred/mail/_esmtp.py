"""
Submission of mail: the greeting, and all that a client says before it has logged in (RFC
5321, 3207 and 4954).
"""

from __future__ import annotations

from typing import Any

from twisted.mail import smtp
from twisted.mail.smtp import IMessageDelivery, IMessageDeliveryFactory, SMTPServerError

from .._contracts import IAnonymous, InterfaceType
from .._peers import hostOf
from .._secrets import asBytes
from ._logins import MOST_COMMANDS, Logins
from ._reasons import Reason

# RFC 4954, section 6, and RFC 5248.
_CODES = {
    Reason.CANCELLED: (501, b"5.7.0 "),
    Reason.MALFORMED: (501, b"5.5.2 "),
    Reason.REFUSED: (535, b"5.7.8 "),
    Reason.DISABLED: (525, b"5.7.13 "),
    Reason.EXPIRED: (535, b"5.7.8 "),
    Reason.FORBIDDEN: (535, b"5.7.8 "),
    Reason.UNAVAILABLE: (454, b"4.7.0 "),
    Reason.THROTTLED: (454, b"4.7.0 "),
    Reason.UNSUPPORTED: (504, b"5.5.4 "),
    Reason.UNPRIVATE: (538, b"5.7.11 "),
    Reason.MISCONFIGURED: (454, b"4.7.0 "),
    Reason.DEFECT: (454, b"4.7.0 "),
}

# The commands whose answers Twisted's class may give later.
_SLOW = (b"MAIL", b"RCPT")


class ESMTP(Logins, smtp.ESMTP):
    """
    An SMTP server, in place of Twisted's.

    Its constructor takes the same arguments: C{chal}, mechanisms that the program brings
    along, and C{contextFactory}, for STARTTLS.
    """

    service = "smtp"
    _helo: Any
    _isAnswered = _isUnanswered = False

    avatarInterfaces = (IMessageDeliveryFactory, IMessageDelivery)

    def serverName(self) -> bytes:
        """
        Return the name of this host.
        """
        name: bytes = self.host
        return name

    def extensions(self) -> dict[bytes, list[bytes] | None]:
        """
        Return the extensions, as Twisted's class does: by name, their values.
        """
        extensions: dict[bytes, list[bytes] | None] = super().extensions()
        extensions.pop(b"STARTTLS", None)
        extensions[b"AUTH"] = self.mechanismNames()
        if self.canBeginTLS and not self.authenticated:
            extensions[b"STARTTLS"] = None
        return extensions

    def do_EHLO(self, rest: bytes) -> None:
        """
        Say hello.  The address of a client may be one that has no host.
        """
        peer = asBytes(hostOf(self.transport.getPeer()) or "unknown")
        self._helo = (rest, peer)
        self._from, self._to = None, []
        hello = self.host + b" Hello " + peer + b", nice to meet you\n"
        self.sendCode(250, hello + self.listExtensions())

    def commandReceived(self, line: bytes) -> None:
        """
        Take a line.  What follows a sender, a recipient or a message waits for the
        answer: they may take time to validate, and mustn't be added to what comes after
        STARTTLS.
        """
        if self.mode == smtp.COMMAND:
            isSlow = line.strip()[:4].upper() in _SLOW
        else:
            isSlow = True
            # Mail that needs no login is what the client may go on with.
            self._commandsLeft = MOST_COMMANDS
        self._isAnswered = False
        self._carryOut(line)
        if isSlow and not self._isAnswered and self.mode == smtp.COMMAND:
            self._isUnanswered = True
            self._hold()

    def sendCode(self, code: int, message: bytes = b"") -> None:
        """
        Answer a command, and go on with the next one.
        """
        super().sendCode(code, message)
        self._isAnswered = True
        if self._isUnanswered:
            self._isUnanswered = False
            self._release()

    def _carryOut(self, line: bytes) -> None:
        """
        Carry out a command, or take a line of a message.
        """
        mode = self.mode
        try:
            super().commandReceived(line)
        except Exception as error:
            if mode == smtp.COMMAND and isinstance(error, UnicodeError):
                # Twisted's class takes what it parses for ASCII.
                self.sendCode(500, b"5.5.2 Only ASCII is allowed here")
                return
            self._log.failure("A command failed")
            self.sendCode(451, b"4.3.0 Server error")
            if self.mode != smtp.COMMAND:
                # The rest of the message isn't to be taken for commands.
                self.hangUp("a message can't be taken")

    def _sendTooLong(self) -> None:
        """
        Tell the client that a line is too long.
        """
        self.sendCode(500, b"5.5.6 Line too long")

    def _sendChallenge(self, line: bytes) -> None:
        """
        Send a challenge.
        """
        self.sendCode(334, line)

    def do_NOOP(self, rest: bytes) -> None:
        """
        Do nothing, at any time (RFC 5321, section 4.5.1): Twisted's class doesn't know
        the command.
        """
        self.sendCode(250, b"2.0.0 Done")

    def ext_AUTH(self, rest: bytes) -> None:
        """
        Log in by SASL (RFC 4954).
        """
        words = rest.split()
        if self.authenticated:
            self.sendCode(503, b"5.5.1 You are logged in already")
        elif self._from is not None:
            self.sendCode(503, b"5.5.1 Not in the middle of a message")
        elif not 0 < len(words) < 3:
            self.sendCode(501, b"5.5.4 A mechanism expected, and an initial response")
        else:
            initial = words[1] if len(words) > 1 else None
            begin = lambda: self._authenticateBy(words[0], initial)  # noqa: E731
            self._attempt(begin, self._tellSuccess, self._tellRefusal)

    def _tellSuccess(self) -> None:
        """
        Tell the client that it has logged in.
        """
        self.sendCode(235, b"2.7.0 Authentication successful")

    def _tellRefusal(self, reason: Reason, text: bytes) -> None:
        """
        Tell the client that it hasn't logged in.
        """
        code, enhanced = _CODES[reason]
        self.sendCode(code, enhanced + text)

    def avatarReceived(self, interface: InterfaceType, avatar: Any) -> None:
        """
        Take what delivers mail.
        """
        isFactory = interface is IMessageDeliveryFactory
        self.deliveryFactory = avatar if isFactory else None
        self.delivery = None if isFactory else avatar
        self.authenticated = True

    def ext_STARTTLS(self, rest: bytes) -> None:
        """
        Begin with TLS (RFC 3207).
        """

        def tell() -> None:
            self.sendCode(220, b"2.0.0 Begin TLS negotiation now")
            self._helo = (None, self._helo[1])
            self._from, self._to = None, []

        def refuse() -> None:
            self.sendCode(454, b"4.7.0 TLS not available")

        if rest:
            self.sendCode(501, b"5.5.4 STARTTLS has no arguments")
        elif self.facts.isSecure or self.startedTLS or self.authenticated:
            self.sendCode(503, b"5.5.1 It is too late for TLS")
        elif self.canBeginTLS:
            self.startTLS(tell, refuse)
        else:
            refuse()

    def validateFrom(self, helo: Any, origin: Any) -> Any:
        """
        Validate the sender of a message.

        @raise SMTPServerError: if the client has to log in first.
        """
        portal = self.openSession()
        isAnonymous = self.delivery is None and self.deliveryFactory is None
        if isAnonymous and portal is not None:
            if IAnonymous not in portal.listCredentialsInterfaces():
                raise SMTPServerError(530, "5.7.0 Log in first")
        return super().validateFrom(helo, origin)


__all__ = ["ESMTP"]
