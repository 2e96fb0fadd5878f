"""
The auth type C{file}: a file of C{username:password} lines.
"""

from __future__ import annotations

import os
import sys

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred.credentials import (
    IScramCredentials,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from mycred.strcred import ICheckerFactory, ICredentialsChecker

fileCheckerFactoryHelp = """
This checker expects the path of a file with a line "username:password" for each
user.  Blank lines and lines that begin with # are skipped, and of two lines for
one user the first counts.  The file is read again when it changes.

The password is plain text, or a hash of any kind that --auth=htpasswd knows except
DES.  Only plain text can serve logins that prove the password without sending it
(CRAM-MD5, HTTP Digest, Perspective Broker); a file that holds a hash is not asked
for them.  A locked line (!, *, x) is no hash.  What begins like a hash ($6$...,
{SHA}...) is never the password itself.  SCRAM serves users with its keys
({SCRAM-SHA-256}...) or with plain text.

Example: --auth=file:/etc/myapp/passwd
"""

invalidFileWarning = "Warning: not a valid file"


@implementer(ICheckerFactory, IPlugin)
class FileCheckerFactory:
    """
    Makes L{FilePasswordDB<mycred.checkers.FilePasswordDB>}.

    @cvar errorOutput: the file that a warning is written to.
    """

    authType = "file"
    authHelp = fileCheckerFactoryHelp
    argStringFormat = "Location of a FilePasswordDB-formatted file."
    credentialInterfaces = (
        IUsernamePassword,
        IUsernameHashedPassword,
        IScramCredentials,
    )

    errorOutput = sys.stderr

    def generateChecker(self, argstring: str) -> ICredentialsChecker:
        """
        Return a checker for a file.

        As in Twisted, a file that can't be read is worth a warning and no more: it
        may come later.

        @param argstring: the path of the file; as in Twisted it is all of the string,
            and a colon in it is written as it is.

        @raise ValueError: if it is empty.
        """
        from mycred.checkers import FilePasswordDB
        from mycred.error import TemporaryFailure

        if not argstring.strip():
            raise ValueError(f"{self.authType!r} requires a filename")
        # Absolute, since twistd may change the directory before the first login.
        checker = FilePasswordDB(os.path.abspath(argstring), cache=True)
        try:
            if checker.holdsHashes():
                checker.credentialInterfaces = (IUsernamePassword, IScramCredentials)
        except TemporaryFailure:
            self.errorOutput.write(f"{invalidFileWarning}: {argstring}\n")
        return checker


theFileCheckerFactory = FileCheckerFactory()
