"""
The auth type C{memory}: users and passwords on the command line, for tests.
"""

from __future__ import annotations

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred._contracts import (
    ICheckerFactory,
    ICredentialsChecker,
    InvalidAuthArgumentString,
    IUsernameHashedPassword,
    IUsernamePassword,
)

inMemoryCheckerFactoryHelp = """
A checker that uses an in-memory user database.

This is for trying things out.  Everybody on the machine can read the passwords
in the list of processes; a server wants --auth=file:... at least.  Without names it
knows nobody, which mycred's own programs refuse.

Example: --auth=memory:alice:sesame:bob:hunter2
"""


@implementer(ICheckerFactory, IPlugin)
class InMemoryCheckerFactory:
    """
    Makes L{InMemoryUsernamePasswordDatabaseDontUse
    <mycred.checkers.InMemoryUsernamePasswordDatabaseDontUse>}.
    """

    authType = "memory"
    authHelp = inMemoryCheckerFactoryHelp
    argStringFormat = "A colon-separated list (name:password:...)"
    credentialInterfaces = (IUsernamePassword, IUsernameHashedPassword)

    def generateChecker(self, argstring: str) -> ICredentialsChecker:
        """
        Make a checker that knows some users.

        @param argstring: names and passwords in turn, separated by colons.  An
            empty one makes a checker that knows nobody.

        @raise InvalidAuthArgumentString: if a name stands without a password,
            stands twice, or one of the two is empty.
        """
        from mycred._secrets import asBytes
        from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse

        checker = InMemoryUsernamePasswordDatabaseDontUse()
        pieces = asBytes(argstring).split(b":") if argstring else []
        if len(pieces) % 2:
            raise InvalidAuthArgumentString("a name stands without a password")
        for username, password in zip(pieces[::2], pieces[1::2]):
            if not username or not password:
                raise InvalidAuthArgumentString("a name or a password is empty")
            if username in checker.users:
                raise InvalidAuthArgumentString("a name stands twice")
            checker.addUser(username, password)
        return checker


theInMemoryCheckerFactory = InMemoryCheckerFactory()
