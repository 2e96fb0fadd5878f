"""
SASL (U{RFC 4422<https://www.rfc-editor.org/rfc/rfc4422>}) for servers: the mechanisms by
which a client logs in.

A protocol offers what its portal's checkers can serve, and hands the client's choice to
L{authenticate}, with a way to ask the client::

    offered = mechanismsFor(self.portal, self.portal.facts)
    context = Context(self.portal.facts, offered=offered)
    login = authenticate(
        offered[name],
        context,
        None,
        self.ask,
        lambda credentials: self.portal.login(credentials, None, IMailbox),
    )
"""

from ._authentication import authenticate
from ._context import Context
from ._lines import LONGEST_LINE, decode, decodeInitial
from ._mechanisms import MECHANISMS, Mechanism
from ._offers import mechanismsFor
from ._secret import secretIn

__all__ = [
    "LONGEST_LINE",
    "MECHANISMS",
    "Context",
    "Mechanism",
    "authenticate",
    "decode",
    "decodeInitial",
    "mechanismsFor",
    "secretIn",
]
