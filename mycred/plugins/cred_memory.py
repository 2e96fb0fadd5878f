"""
The auth type C{memory}: users and passwords on the command line, for tests.
"""

from __future__ import annotations

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred.credentials import (
    IScramCredentials,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from mycred.strcred import (
    ICheckerFactory,
    ICredentialsChecker,
    InvalidAuthArgumentString,
)

inMemoryCheckerFactoryHelp = """
A checker that uses an in-memory user database.

This is for trying things out.  All users of the machine can see the passwords in
the list of processes; a server needs --auth=file:... at least.  Without names it
lets no user in, which mycred's own programs refuse.

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
    credentialInterfaces = (
        IUsernamePassword,
        IUsernameHashedPassword,
        IScramCredentials,
    )

    def generateChecker(self, argstring: str) -> ICredentialsChecker:
        """
        Return a checker that knows some users.

        @param argstring: names and passwords in turn, separated by colons.  An
            empty one makes a checker that knows no user.

        @raise InvalidAuthArgumentString: if a name has no password,
            stands twice, or one of the two is empty.
        """
        from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse

        checker = InMemoryUsernamePasswordDatabaseDontUse()
        text = argstring.encode("utf-8", "surrogateescape")
        pieces = text.split(b":") if text else []
        if len(pieces) % 2:
            raise InvalidAuthArgumentString("a name has no password")
        for username, password in zip(pieces[::2], pieces[1::2]):
            if not username or not password:
                raise InvalidAuthArgumentString("a name or a password is empty")
            if username in checker.users:
                raise InvalidAuthArgumentString("a name stands twice")
            checker.addUser(username, password)
        return checker


theInMemoryCheckerFactory = InMemoryCheckerFactory()
