"""
The auth type C{stack}: checkers with what stands around them, as a file describes it.
"""

from __future__ import annotations

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred.credentials import (
    IAnonymous,
    IBearerToken,
    ICertificateCredentials,
    IScramCredentials,
    ISSHPrivateKey,
    IUsernameDigestHash,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from mycred.strcred import (
    ICheckerFactory,
    ICredentialsChecker,
    Option,
    Options,
    readableFile,
)

stackFileOptions = Options(
    Option(
        "file",
        readableFile,
        "FILE",
        "The file that describes the stack; others may not write it.",
        required=True,
        positional=True,
    ),
)

stackCheckerFactoryHelp = """
This checker asks others, in their order, and stands around all of them: a throttle makes
guesses wait, a cache remembers logins that were accepted, an audit log and metrics are
told how each login ends.  A file says what there is; a section that it doesn't have isn't
there.
"""

stackCheckerFactoryExample = """
Example: --auth=stack:/etc/mycred/login.ini with a file of these lines:

[stack]
checkers =
    htpasswd:/etc/myapp/users
    ldap:config=/etc/myapp/ldap.ini
[throttle]
exempt = 10.0.0.0/8
[audit]
file = /var/log/myapp/logins.json
format = json
"""


@implementer(ICheckerFactory, IPlugin)
class StackCheckerFactory:
    """
    Makes L{CheckerStack<mycred.stack.CheckerStack>}.
    """

    authType = "stack"
    argStringFormat = stackFileOptions.format
    # As many as its checkers check.
    credentialInterfaces = (
        IUsernamePassword,
        IUsernameHashedPassword,
        IUsernameDigestHash,
        IScramCredentials,
        ISSHPrivateKey,
        ICertificateCredentials,
        IBearerToken,
        IAnonymous,
    )

    @property
    def authHelp(self) -> str:
        """
        The help, with what each option in the file means.
        """
        from mycred.stack import stackSections

        sections = [table.help(f"[{name}]") for name, table in stackSections.items()]
        pieces = (stackCheckerFactoryHelp, *sections, stackCheckerFactoryExample)
        return "\n\n".join(piece.strip() for piece in pieces) + "\n"

    def generateChecker(self, argstring: str) -> ICredentialsChecker:
        """
        Return the checker that a file describes.

        @param argstring: the path of the file.

        @raise InvalidAuthArgumentString: if something in the file is unknown, missing or
            wrong, or can't take effect.  The text has a line for each mistake.
        """
        given = stackFileOptions.parse(argstring)
        from mycred.stack import readStack

        return readStack(given["file"])


theStackCheckerFactory = StackCheckerFactory()
