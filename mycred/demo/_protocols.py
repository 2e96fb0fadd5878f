"""
The protocols of the example server: where each listens, and who can log in.
"""

from __future__ import annotations

from collections.abc import Collection

from .._contracts import (
    IAnonymous,
    InterfaceType,
    ISSHPrivateKey,
    IUsernameDigestHash,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from .._conversations import IBearerToken, IScramCredentials

# The interfaces of the credentials that clients of mail can present besides certificates,
# for which TLS must ask.
_MAIL: tuple[InterfaceType, ...] = (
    IUsernamePassword,
    IUsernameHashedPassword,
    IScramCredentials,
    IBearerToken,
)

#: For each protocol, where it listens by default, and the interfaces of the credentials
#: that its users can present.
PROTOCOLS: dict[str, tuple[str, tuple[InterfaceType, ...]]] = {
    "pop3": ("tcp:1110:interface=127.0.0.1", _MAIL),
    "imap": ("tcp:1143:interface=127.0.0.1", _MAIL),
    "smtp": ("tcp:1587:interface=127.0.0.1", _MAIL),
    "pb": (
        "tcp:8787:interface=127.0.0.1",
        (IUsernameHashedPassword, IAnonymous),
    ),
    "http": (
        "tcp:8080:interface=127.0.0.1",
        (
            IUsernamePassword,
            IUsernameHashedPassword,
            IUsernameDigestHash,
            IBearerToken,
        ),
    ),
    "ssh": (
        "tcp:2222:interface=127.0.0.1",
        (ISSHPrivateKey,),
    ),
}

#: The protocols of mail.
MAIL = ("pop3", "imap", "smtp")

#: The option for the metrics, which are no protocol by which users log in.
METRICS = "metrics"

#: What one process serves, if there are several.  A client of HTTP may come back on
#: another connection, and what it is known by is kept in memory; and the metrics of all
#: processes are on one page.
ONE_PROCESS = frozenset(["http", METRICS])

_PASSWORDS = "passwords, such as those of --auth=htpasswd"
_CERTIFICATES = "certificates, for which TLS has to ask (clientCert=)"

#: For each protocol, what the accounts must have.
TAKES = {
    **dict.fromkeys((*MAIL, "http"), f"{_PASSWORDS}, or tokens, or {_CERTIFICATES}"),
    "pb": "passwords in plain text, as in --auth=file and --auth=memory, "
    "or --auth=anonymous",
    "ssh": "keys, such as those of --auth=sshkey",
}

#: The realm of HTTP authentication.
REALM = b"mycred"


def proofFor(protocol: str, interfaces: Collection[InterfaceType]) -> str:
    """
    Return what users log in with by a protocol: a C{password} if some have one, else a
    C{token} or a C{certificate}.

    @param interfaces: the interfaces of the credentials that are checked.
    """
    _, taken = PROTOCOLS[protocol]
    served = {one for one in taken if one in interfaces}
    if served.difference([IBearerToken]):
        return "password"
    return "token" if served else "certificate"


__all__ = ["MAIL", "METRICS", "ONE_PROCESS", "PROTOCOLS", "REALM", "TAKES", "proofFor"]
