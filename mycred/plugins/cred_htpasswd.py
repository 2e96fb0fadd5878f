"""
The auth type C{htpasswd}: a file of hashed passwords, of Apache, nginx or Dovecot.
"""

from __future__ import annotations

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred.credentials import IScramCredentials, IUsernamePassword
from mycred.strcred import (
    ICheckerFactory,
    ICredentialsChecker,
    InvalidAuthArgumentString,
    Option,
    Options,
    readableFile,
    yesNo,
)

options = Options(
    Option(
        "file",
        readableFile,
        "/path/to/htpasswd",
        'The file, with a line "username:hash" for each user.',
        required=True,
        positional=True,
    ),
    Option(
        "weak",
        yesNo,
        "no",
        "Refuses hashes that are quickly guessed once the file has leaked: DES, MD5, "
        "digests of one round, flawed bcrypt ($2x$), and plain text.",
        default=True,
    ),
    Option(
        "plaintext",
        yesNo,
        "yes",
        "Takes what doesn't look like a hash for a password in plain text, which "
        "otherwise matches nothing.",
        default=False,
    ),
)

htpasswdCheckerFactoryHelp = options.help(
    """
    This checker lets in the users in a file of hashes, as htpasswd, "mycred passwd" and
    Dovecot's passwd-file have it.  Blank lines and lines that begin with # are skipped,
    of two lines for one user the first counts, and what follows a second colon is
    ignored.  The file is read again when it differs.

    It knows bcrypt ($2y$), argon2 ($argon2id$; needs argon2-cffi), what the system's
    crypt(3) knows (SHA-crypt $5$ and $6$, yescrypt $y$, scrypt $7$, DES), MD5 ($apr1$,
    $1$), digests ({SHA}, {SSHA}, {SSHA256}, {SSHA512} and their kind), and Dovecot's
    names for these ({BLF-CRYPT}, {SHA512-CRYPT}, {PLAIN} ...).  Users with keys of SCRAM
    ({SCRAM-SHA-256}), or with plain text, can log in without sending their password.
    """,
    r"""
    A colon in the path of the file is written \:.

    Example: --auth=htpasswd:/etc/nginx/htpasswd:weak=no
    """,
)


@implementer(ICheckerFactory, IPlugin)
class HtpasswdCheckerFactory:
    """
    Makes L{HtpasswdChecker<mycred.checkers.HtpasswdChecker>}.
    """

    authType = "htpasswd"
    authHelp = htpasswdCheckerFactoryHelp
    argStringFormat = options.format
    credentialInterfaces = (IUsernamePassword, IScramCredentials)

    def generateChecker(self, argstring: str) -> ICredentialsChecker:
        """
        Return a checker for a file.

        @param argstring: the path of the file, and the options.

        @raise InvalidAuthArgumentString: if an option is unknown or contradicts
            another, if the file can't be read, or if no user could log in by it.
        """
        given = options.parse(argstring)
        if given["plaintext"] and not given["weak"]:
            raise InvalidAuthArgumentString(
                "weak=no refuses what plaintext=yes allows: write one of them"
            )
        from mycred.checkers import HtpasswdChecker

        checker = HtpasswdChecker(given["file"], given["weak"], given["plaintext"])
        try:
            checker.insistOnSomebody()
        except (OSError, ValueError) as error:
            raise InvalidAuthArgumentString(f"file: {error}") from None
        return checker


theHtpasswdCheckerFactory = HtpasswdCheckerFactory()
