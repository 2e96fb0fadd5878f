"""
The auth type C{anonymous}: let everybody in who asks for it without a name.
"""

from __future__ import annotations

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred._contracts import (
    IAnonymous,
    ICheckerFactory,
    ICredentialsChecker,
    InvalidAuthArgumentString,
)

anonymousCheckerFactoryHelp = """
This lets in whoever asks to be let in without a name, in servers that support
it.  It opens nothing to those who give a name.

Example: --auth=anonymous
"""


@implementer(ICheckerFactory, IPlugin)
class AnonymousCheckerFactory:
    """
    Makes L{AllowAnonymousAccess<mycred.checkers.AllowAnonymousAccess>}.
    """

    authType = "anonymous"
    authHelp = anonymousCheckerFactoryHelp
    argStringFormat = "No argstring required."
    credentialInterfaces = (IAnonymous,)

    def generateChecker(self, argstring: str = "") -> ICredentialsChecker:
        """
        Make a checker.

        @param argstring: empty.

        @raise InvalidAuthArgumentString: if it isn't.
        """
        from mycred.checkers import AllowAnonymousAccess

        if argstring:
            raise InvalidAuthArgumentString("nothing may follow it")
        return AllowAnonymousAccess()


theAnonymousCheckerFactory = AnonymousCheckerFactory()
