"""
An SSH server that does what keys and certificates say: conch's, with
U{OpenSSH's certificates<https://cvsweb.openbsd.org/src/usr.bin/ssh/PROTOCOL.certkeys>},
and with the options of authorized_keys seen to.

It takes conch's libraries: C{pip install '.[ssh]'} in a checkout.
"""

from .._sshkeys import SERVER_OPTIONS
from ._connection import SSHConnection
from ._factory import SSHFactory
from ._hostkey import hostKeyIn
from ._restricted import RestrictedUser
from ._transport import SSHServerTransport
from ._userauth import SSHUserAuthServer

__all__ = [
    "SERVER_OPTIONS",
    "RestrictedUser",
    "SSHConnection",
    "SSHFactory",
    "SSHServerTransport",
    "SSHUserAuthServer",
    "hostKeyIn",
]
