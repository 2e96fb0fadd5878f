"""
The auth type C{token}: tokens that another server has issued (OAuth 2.0).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred.credentials import IBearerToken
from mycred.strcred import (
    ICheckerFactory,
    ICredentialsChecker,
    InvalidAuthArgumentString,
    Option,
    Options,
    namesLike,
    needing,
    nonEmpty,
    readableFile,
)

_TLS = "pip install '.[tls]' in a checkout of mycred"


def usableURL(text: str) -> str:
    """
    Return a URL.

    @raise ValueError: if it can't be asked for.
    """
    from mycred.checkers.tokens import serverURL

    return serverURL(text)


def fileOrURL(text: str) -> str:
    """
    Return a URL, or the absolute path of a file.

    @raise ValueError: if it can't be asked for, or read.
    """
    return usableURL(text) if _isURL(text) else readableFile(text)


def domainName(text: str) -> str:
    """
    Return the name of a domain.

    @raise ValueError: if no address could end in it.
    """
    if not text or "@" in text:
        raise ValueError("write what follows the @, such as example.org")
    return text


def _isURL(text: str) -> bool:
    """
    Return whether a value is a URL, and no path.
    """
    return "://" in text


options = Options(
    Option(
        "introspect",
        usableURL,
        "URL",
        "Asks the server that has issued a token, at this URL (RFC 7662).",
    ),
    Option(
        "client",
        readableFile,
        "FILE",
        "What this server calls itself there, with introspect=: a file of two lines, its "
        "id and its secret, which other users can't read.",
    ),
    Option(
        "keys",
        fileOrURL,
        "FILE|URL",
        "Takes signed tokens (JWT), which need joserfc, issuer= and audience=, and "
        "verifies them by the keys of their issuer: a JSON Web Key Set in a file, which "
        "is read again when it differs, or at a URL.",
    ),
    Option(
        "issuer",
        nonEmpty,
        "NAME",
        "The issuer that must be named in a token (iss), letter by letter.",
    ),
    Option(
        "audience",
        nonEmpty,
        "NAME",
        "For whom a token must be (aud): what the issuer calls this server.",
    ),
    Option(
        "scope",
        namesLike("imap,smtp"),
        "WORD,WORD",
        "What a token must permit (scope), all of it.",
    ),
    Option(
        "claim",
        nonEmpty,
        "NAME",
        "What names the account, such as preferred_username, or email, which counts only "
        "with email_verified; sub in signed tokens and username elsewhere, if it isn't "
        "given.",
    ),
    Option(
        "domain",
        domainName,
        "NAME",
        "Takes only claims that end in @ and this domain, and cuts that off.",
    ),
    Option(
        "ca",
        readableFile,
        "FILE",
        "The certificates of the authorities that vouch for the server, in PEM, in place "
        "of the system's.",
    ),
    format="introspect=URL:client=FILE[:claim=NAME]... or "
    "keys=FILE:issuer=NAME:audience=NAME[:claim=NAME]...",
)

tokenCheckerFactoryHelp = options.help(
    """
    This checker lets in users whom a token names that an identity provider has given to
    their client (OAuth 2.0, OpenID Connect), as Thunderbird, mutt and curl present it to
    mail servers (OAUTHBEARER, XOAUTH2), and programs to web servers.  Either that server
    is asked about each token (introspect=), or tokens are signed by it (keys=).

    A token that was found good by asking is taken for good for a minute.  While the
    server can't be asked, logins are temporary failures.
    """,
    r"""
    Only a server on this machine may have no TLS.

    A colon in a value is written \:, and the shell wants that in quotes.

    Example: --auth='token:keys=keys.json:issuer=https\://idp.example.org:audience=mail'
    """,
)


@implementer(ICheckerFactory, IPlugin)
class TokenCheckerFactory:
    """
    Makes L{TokenChecker<mycred.checkers.tokens.TokenChecker>}.
    """

    authType = "token"
    authHelp = tokenCheckerFactoryHelp
    argStringFormat = options.format
    credentialInterfaces = (IBearerToken,)

    def generateChecker(self, argstring: str) -> ICredentialsChecker:
        """
        Return a checker of tokens.

        @param argstring: how tokens are checked.

        @raise InvalidAuthArgumentString: if an option is unknown, missing, wrong, or
            can't take effect, or a library isn't there.
        """
        given = options.parse(argstring)
        try:
            _checkCombination(given)
            if "keys" in given:
                with needing("pip install '.[jwt]' in a checkout of mycred"):
                    return _signed(given)
            return _introspected(given)
        except ValueError as error:
            raise InvalidAuthArgumentString(str(error)) from None


def _checkCombination(given: dict[str, Any]) -> None:
    """
    Insist on options that go together.

    @raise ValueError: if they don't.
    """
    if ("keys" in given) == ("introspect" in given):
        raise ValueError("write one of introspect=URL and keys=FILE|URL")
    if "introspect" in given and "client" not in given:
        raise ValueError("introspect: write client=FILE, too, with our id and secret")
    if "keys" in given and "client" in given:
        raise ValueError("client: with keys= nobody is asked; leave it out")
    for key, why in (
        ("issuer", "the issuer of the tokens, as they have it in iss"),
        (
            "audience",
            "what they have in aud when they are for this server; the same keys "
            "sign tokens for others",
        ),
    ):
        if "keys" in given and key not in given:
            raise ValueError(f"keys: write {key}=, too: {why}")
    asked = given.get("introspect") or given["keys"]
    if "ca" in given and not asked.startswith("https:"):
        raise ValueError("ca: no server is asked over TLS (https); leave it out")


def _rules(given: dict[str, Any], claim: str) -> Any:
    """
    Return what must be said of a token.

    @param claim: the claim that names the account, if none is given.
    """
    from mycred.checkers.tokens import TokenRules

    return TokenRules(
        given.get("claim", claim),
        given.get("issuer"),
        given.get("audience"),
        given.get("scope", ()),
        given.get("domain"),
    )


def _introspected(given: dict[str, Any]) -> ICredentialsChecker:
    """
    Return a checker that asks about each token.
    """
    from mycred.checkers.tokens import Introspection, OAuthClient, TokenChecker

    with _about("client"):
        client = OAuthClient.inFile(given["client"])
    rules, ca = _rules(given, "username"), given.get("ca")
    with needing(_TLS), _about("ca"):
        return TokenChecker(Introspection(given["introspect"], client, rules, ca=ca))


def _signed(given: dict[str, Any]) -> ICredentialsChecker:
    """
    Return a checker of signed tokens.
    """
    import joserfc  # noqa: F401

    from mycred.checkers.tokens import KeyFile, KeyURL, SignedTokens, TokenChecker

    keys: KeyFile | KeyURL
    if _isURL(given["keys"]):
        with needing(_TLS), _about("ca"):
            keys = KeyURL(given["keys"], ca=given.get("ca"))
    else:
        with _about("keys"):
            keys = KeyFile(given["keys"])
    return TokenChecker(SignedTokens(keys, _rules(given, "sub")))


@contextmanager
def _about(key: str) -> Iterator[None]:
    """
    Name the option whose value can't be used.

    @raise ValueError: with the name, and why.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        raise ValueError(f"{key}: {error}") from None


theTokenCheckerFactory = TokenCheckerFactory()
