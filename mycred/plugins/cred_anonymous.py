"""
The auth type C{anonymous}: visitors, who log in without a name.
"""

from __future__ import annotations

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred.credentials import IAnonymous
from mycred.strcred import ICheckerFactory, ICredentialsChecker, Options

options = Options()

anonymousCheckerFactoryHelp = options.help(
    """
    This lets in clients that ask to log in without a name, in servers that support it.
    It opens nothing to those who give a name.
    """,
    """
    Example: --auth=anonymous
    """,
)


@implementer(ICheckerFactory, IPlugin)
class AnonymousCheckerFactory:
    """
    Makes L{AllowAnonymousAccess<mycred.checkers.AllowAnonymousAccess>}.
    """

    authType = "anonymous"
    authHelp = anonymousCheckerFactoryHelp
    argStringFormat = options.format
    credentialInterfaces = (IAnonymous,)

    def generateChecker(self, argstring: str = "") -> ICredentialsChecker:
        """
        Return a checker.

        @param argstring: empty.

        @raise InvalidAuthArgumentString: if it isn't.
        """
        options.parse(argstring)
        from mycred.checkers import AllowAnonymousAccess

        return AllowAnonymousAccess()


theAnonymousCheckerFactory = AnonymousCheckerFactory()
