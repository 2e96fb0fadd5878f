"""
The auth type C{htpasswd}: a file of hashed passwords, of Apache, nginx or Dovecot.
"""

from __future__ import annotations

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred._contracts import (
    ICheckerFactory,
    ICredentialsChecker,
    InvalidAuthArgumentString,
    IUsernamePassword,
)

htpasswdCheckerFactoryHelp = """
This checker expects the name of a file with a line "username:hash" for each user,
as htpasswd, "mycred passwd" and Dovecot's passwd-file have it.  Blank lines and
lines that begin with # are skipped, of two lines for one user the first counts,
and what follows a second colon is ignored.  The file is read again when it
differs.

It knows bcrypt ($2y$), argon2 ($argon2id$; needs argon2-cffi), what the system's
crypt(3) knows (SHA-crypt $5$ and $6$, yescrypt $y$, scrypt $7$, DES), MD5 ($apr1$,
$1$), digests ({SHA}, {SSHA}, {SSHA256}, {SSHA512} and their kind), and Dovecot's
names for these ({BLF-CRYPT}, {SHA512-CRYPT}, {PLAIN} ...).

weak=no
    refuses what is quickly guessed by whoever gets hold of the file: DES, MD5,
    digests of one round, flawed bcrypt ($2x$), and plain text.

plaintext=yes
    takes what isn't like a hash for a password in plain text, instead of nothing.

A colon in the name of the file is written \\:.

Example: --auth=htpasswd:/etc/nginx/htpasswd:weak=no
"""


@implementer(ICheckerFactory, IPlugin)
class HtpasswdCheckerFactory:
    """
    Makes L{HtpasswdChecker<mycred.checkers.HtpasswdChecker>}.
    """

    authType = "htpasswd"
    authHelp = htpasswdCheckerFactoryHelp
    argStringFormat = "/path/to/htpasswd[:weak=no][:plaintext=yes]"
    credentialInterfaces = (IUsernamePassword,)

    def generateChecker(self, argstring: str) -> ICredentialsChecker:
        """
        Make a checker for a file.

        @param argstring: the name of the file and the options.

        @raise InvalidAuthArgumentString: if an option is unknown or contradicts
            another, if the file can't be read, or if nobody could log in by it.
        """
        from mycred._argstring import parseArgString, yesNo
        from mycred._checking._files import readable
        from mycred.checkers import HtpasswdChecker

        keys = {
            "file": readable,
            "weak": yesNo,
            "plaintext": yesNo,
        }
        given = parseArgString(argstring, keys, ("file",), ("file",))
        weak, plaintext = given.get("weak", True), given.get("plaintext", False)
        if plaintext and not weak:
            raise InvalidAuthArgumentString(
                "weak=no refuses what plaintext=yes allows: write one of them"
            )
        checker = HtpasswdChecker(given["file"], weak, plaintext)
        try:
            checker.insistOnSomebody()
        except (OSError, ValueError) as error:
            raise InvalidAuthArgumentString(f"file: {error}") from None
        return checker


theHtpasswdCheckerFactory = HtpasswdCheckerFactory()
