"""
The auth type C{htdigest}: a file that serves HTTP Digest.
"""

from __future__ import annotations

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred._contracts import (
    ICheckerFactory,
    ICredentialsChecker,
    InvalidAuthArgumentString,
    IUsernameDigestHash,
)

htdigestCheckerFactoryHelp = """
This checker expects the name of a file with a line "username:realm:hash" for each
user, as htdigest makes it, and the realm whose lines count.  It serves HTTP Digest
and no other login.  The file is read again when it differs.

realm=NAME
    the realm; it must be the one that the server asks for.

A colon in a value is written \\:.

Example: --auth=htdigest:/etc/apache2/htdigest:realm=Members
"""


@implementer(ICheckerFactory, IPlugin)
class HtdigestCheckerFactory:
    """
    Makes L{HtdigestChecker<mycred.checkers.HtdigestChecker>}.
    """

    authType = "htdigest"
    authHelp = htdigestCheckerFactoryHelp
    argStringFormat = "/path/to/htdigest:realm=NAME"
    credentialInterfaces = (IUsernameDigestHash,)

    def generateChecker(self, argstring: str) -> ICredentialsChecker:
        """
        Make a checker for a file.

        @param argstring: the name of the file, and the realm.

        @raise InvalidAuthArgumentString: if an option is unknown or missing, if
            the file can't be read, or if nobody in it is in the realm.
        """
        from mycred._argstring import nonEmpty, parseArgString
        from mycred._checking._files import readable
        from mycred._secrets import asBytes
        from mycred.checkers import HtdigestChecker

        keys = {"file": readable, "realm": nonEmpty}
        given = parseArgString(argstring, keys, ("file",), ("file", "realm"))
        realm = asBytes(given["realm"])
        if b":" in realm:
            raise InvalidAuthArgumentString("realm: it can't hold a colon")
        checker = HtdigestChecker(given["file"], realm)
        realms = checker.realms()
        if realm not in realms:
            known = [name.decode("utf-8", "replace") for name in sorted(realms)[:10]]
            raise InvalidAuthArgumentString(
                "realm: no line of the file is for it, only for "
                f"{', '.join(known) or 'nothing, since no line is name:realm:hash'}"
            )
        return checker


theHtdigestCheckerFactory = HtdigestCheckerFactory()
