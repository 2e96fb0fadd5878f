"""
Logging in and out over IMAP4 (RFC 3501, sections 6.1 and 6.2).
"""

from __future__ import annotations

from typing import Any

from twisted.mail.imap4 import IAccount

from ...credentials import UsernamePassword
from ...error import LoginFailed
from .._sasl import Exchange, Malformed
from ._connection import Bad, Connection, No


class Sessions(Connection):
    """
    Logging in and out.
    """

    def capabilities(self) -> Any:
        """
        Tell what this server can do besides.
        """
        more: dict[bytes, None] = dict.fromkeys([b"LITERAL+", b"SASL-IR", b"UIDPLUS"])
        return {**super().capabilities(), **more}

    def sendNegativeResponse(self, tag: bytes | None = None, message: Any = b"") -> None:
        """
        Send a response, with the code for a login that has failed (RFC 5530).
        """
        told = self.portal.told(message, b"[AUTHENTICATIONFAILED]", b"[UNAVAILABLE]")
        super().sendNegativeResponse(tag, told)

    async def on_CAPABILITY(self) -> bytes:
        """
        Tell what this server can do.
        """
        self.sendUntaggedResponse(b"CAPABILITY " + b" ".join(self.listCapabilities()))
        return b"CAPABILITY completed"

    async def on_LOGOUT(self) -> bytes:
        """
        End the connection.
        """
        self.sendUntaggedResponse(b"BYE Good-bye")
        self._isLeaving = True
        return b"LOGOUT completed"

    async def on_LOGIN(self, user: bytes, password: bytes) -> bytes:
        """
        Log in with a password.
        """
        await self._logIn(UsernamePassword(user, password))
        return b"LOGIN succeeded"

    async def on_AUTHENTICATE(self, mechanism: bytes, initial: bytes | None) -> bytes:
        """
        Log in by SASL.
        """
        made = self.challengers.get(mechanism)
        if made is None:
            raise No("AUTHENTICATE method unsupported")
        exchange = Exchange(made())
        try:
            isComplete = initial is not None and exchange.begin(initial)
            while not isComplete:
                self.sendLine(b"+ " + exchange.challenge())
                isComplete = exchange.take(await self.awaitLine())
        except Malformed as error:
            raise Bad(str(error)) from None
        except LoginFailed:
            raise No("[AUTHENTICATIONFAILED] Authentication failed") from None
        await self._logIn(exchange.credentials)
        return b"Authentication successful"

    async def _logIn(self, credentials: Any) -> None:
        """
        Log in.

        @raise No: if somebody isn't let in.
        """
        try:
            login = await self.portal.login(credentials, None, IAccount)
        except LoginFailed:
            raise No("[AUTHENTICATIONFAILED] Authentication failed") from None
        _, self.account, self._onLogout = login
        self.state = "auth"
        self.setTimeout(self.POSTAUTH_TIMEOUT)

    async def on_IDLE(self) -> bytes:
        """
        Tell of new messages as they come (RFC 2177).
        """
        self.tellNews()
        self.blocked = None
        self.sendContinuationRequest(b"Idling")
        if (await self.awaitLine()).strip().upper() != b"DONE":
            raise Bad("DONE expected")
        return b"IDLE terminated"


__all__ = ["Sessions"]
