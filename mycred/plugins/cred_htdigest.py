"""
The auth type C{htdigest}: a file that serves HTTP Digest.
"""

from __future__ import annotations

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred.credentials import IUsernameDigestHash
from mycred.strcred import (
    ICheckerFactory,
    ICredentialsChecker,
    InvalidAuthArgumentString,
    Option,
    Options,
    nonEmpty,
    readableFile,
)

options = Options(
    Option(
        "file",
        readableFile,
        "/path/to/htdigest",
        'The file, with a line "username:realm:hash" for each user.',
        required=True,
        positional=True,
    ),
    Option(
        "realm",
        nonEmpty,
        "NAME",
        "The realm whose lines count; it must be the one that the server asks for.",
        required=True,
    ),
)

htdigestCheckerFactoryHelp = options.help(
    """
    This checker lets in the users in a file of htdigest.  It serves HTTP Digest and no
    other login.  The file is read again when it differs.
    """,
    r"""
    A colon in a value is written \:.

    Example: --auth=htdigest:/etc/apache2/htdigest:realm=Members
    """,
)


@implementer(ICheckerFactory, IPlugin)
class HtdigestCheckerFactory:
    """
    Makes L{HtdigestChecker<mycred.checkers.HtdigestChecker>}.
    """

    authType = "htdigest"
    authHelp = htdigestCheckerFactoryHelp
    argStringFormat = options.format
    credentialInterfaces = (IUsernameDigestHash,)

    def generateChecker(self, argstring: str) -> ICredentialsChecker:
        """
        Return a checker for a file.

        @param argstring: the path of the file, and the realm.

        @raise InvalidAuthArgumentString: if an option is unknown or missing, if
            the file can't be read, or if no line in it is for the realm.
        """
        given = options.parse(argstring)
        if ":" in given["realm"]:
            raise InvalidAuthArgumentString("realm: it can't hold a colon")
        from mycred.checkers import HtdigestChecker

        checker = HtdigestChecker(given["file"], given["realm"])
        realms = checker.realms()
        if checker.realm not in realms:
            known = [name.decode("utf-8", "replace") for name in sorted(realms)[:10]]
            if not known:
                raise InvalidAuthArgumentString(
                    "file: it has no line name:realm:hash; write the path of a file of "
                    "htdigest"
                )
            raise InvalidAuthArgumentString(
                f"realm: no line of the file is for it, only for {', '.join(known)}"
            )
        return checker


theHtdigestCheckerFactory = HtdigestCheckerFactory()
