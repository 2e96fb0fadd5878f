"""
The auth type C{cert}: the users who hold a TLS certificate.
"""

from __future__ import annotations

import sys

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred.credentials import ICertificateCredentials
from mycred.strcred import (
    ICheckerFactory,
    ICredentialsChecker,
    InvalidAuthArgumentString,
    Option,
    Options,
    needing,
    nonEmpty,
    readableFile,
)

options = Options(
    Option(
        "ca",
        readableFile,
        "FILE",
        "The certificates of the authorities that vouch for users, in PEM or DER: all "
        "whom they certify as clients are users.",
        required=True,
    ),
    Option(
        "crl",
        readableFile,
        "FILE",
        "Lists of revoked certificates, in PEM or DER: one by each authority that issues "
        "any, without which, or once it is out of date, its certificates let nobody in.",
    ),
    Option(
        "name",
        nonEmpty,
        "email|cn|uri|dns|upn|dn|fingerprint",
        "The place in a certificate that names the user: an address of mail, a URI, a "
        "host or a User Principal Name of its subjectAltName, the common name or all of "
        "its subject, or its SHA-256; email if not given.",
        default="email",
    ),
    Option(
        "match",
        nonEmpty,
        "REGEX",
        "A regular expression of Python, which a name must match as a whole; if it has a "
        "group, that is the name.",
    ),
    Option(
        "domain",
        nonEmpty,
        "DOMAIN",
        "The domain that a name must have; it is cut off, together with the @ before it.",
    ),
    Option(
        "map",
        readableFile,
        "FILE",
        'A file with a line "name account" for each name; names without one let nobody '
        "in.",
    ),
    format="ca=FILE[:crl=FILE][:name=email][:match=REGEX][:domain=DOMAIN][:map=FILE]",
)

certCheckerFactoryHelp = options.help(
    """
    This checker lets in users who hold a TLS certificate, in servers that ask clients for
    one: by SASL EXTERNAL over IMAP, POP3 and SMTP, and over HTTP.

    The certificate is verified at each login, with the files and the time of then: its
    chain, that it is for clients, that no part of it has expired or is revoked.  Exactly
    one name must be left.  The files are read again when they differ.
    """,
    r"""
    A colon in a value is written \:, and a backslash \\.

    Example: --auth=cert:ca=/etc/myapp/ca.pem:crl=/etc/myapp/ca.crl:domain=example.org
    """,
)


@implementer(ICheckerFactory, IPlugin)
class CertificateCheckerFactory:
    """
    Makes L{CertificateChecker<mycred.checkers.certificates.CertificateChecker>}.

    @cvar errorOutput: the file that warnings are written to.
    """

    authType = "cert"
    authHelp = certCheckerFactoryHelp
    argStringFormat = options.format
    credentialInterfaces = (ICertificateCredentials,)

    errorOutput = sys.stderr

    def generateChecker(self, argstring: str) -> ICredentialsChecker:
        """
        Return a checker of certificates.

        @param argstring: the options.

        @raise InvalidAuthArgumentString: if an option is unknown, missing or can't take
            effect, a file can't be used, or pyOpenSSL isn't there.
        """
        with needing("pip install '.[tls]' in a checkout of mycred"):
            from mycred.checkers.certificates import CertificateChecker

        given = options.parse(argstring)
        try:
            checker = CertificateChecker(given.pop("ca"), **given)
            problems = checker.problems()
        except (OSError, ValueError) as error:
            raise InvalidAuthArgumentString(str(error)) from None
        for problem in problems:
            self.errorOutput.write(f"Warning: --auth=cert: {problem}\n")
        return checker


theCertificateCheckerFactory = CertificateCheckerFactory()
