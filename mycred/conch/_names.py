"""
The names by which clients ask for things, and what each needs of a key.

conch finds its methods by names in which C{-} has become C{_}, so several spellings
lead to one method.  Here a name is what the RFCs and OpenSSH write, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from twisted.conch.ssh.connection import TRANSLATE_TABLE

from .._sshkeys import KeyOptions

# RFC 4250, section 4.6.1: printable US-ASCII, no comma, no space, 64 characters at most.
_name = re.compile(rb"[!-+\--~]{1,64}")


def isName(name: bytes) -> bool:
    """
    Return whether something can be the name of anything.
    """
    return _name.fullmatch(name) is not None


class Names:
    """
    The names of one kind of thing that are known here.
    """

    def __init__(self, needs: Mapping[bytes, str]) -> None:
        """
        @param needs: for each name the field of L{KeyOptions} that permits it; empty if
            it needs nothing.
        """
        self._needs = needs
        self._spellings = {_spelling(name) for name in needs}

    def permits(self, name: bytes, options: KeyOptions) -> bool:
        """
        Return whether a key permits what has this name.

        What isn't known here may be a program's own, and is permitted to keys that
        aren't restricted.  Another spelling of what is known never is.
        """
        need = self._needs.get(name)
        if need is not None:
            return not need or bool(getattr(options, need))
        if options.isRestricted or not isName(name):
            return False
        return _spelling(name) not in self._spellings


def _spelling(name: bytes) -> bytes:
    """
    Return what all spellings of a name have in common.
    """
    return name.translate(TRANSLATE_TABLE).lower()


OPEN, OPEN_LOCAL = b"direct-tcpip", b"direct-streamlocal@openssh.com"
LISTEN, LISTEN_LOCAL = b"tcpip-forward", b"streamlocal-forward@openssh.com"
SESSION, TUNNEL = b"session", b"tun@openssh.com"

#: What may be opened.  A tunnel needs what its own option says.
CHANNELS = Names(
    {
        SESSION: "",
        TUNNEL: "",
        OPEN: "portForwarding",
        OPEN_LOCAL: "portForwarding",
        b"forwarded-tcpip": "portForwarding",
        b"forwarded-streamlocal@openssh.com": "portForwarding",
        b"auth-agent": "agentForwarding",
        b"auth-agent@openssh.com": "agentForwarding",
        b"x11": "x11Forwarding",
    }
)

#: What may be asked of the whole connection.
GLOBAL_REQUESTS = Names(
    {
        LISTEN: "portForwarding",
        LISTEN_LOCAL: "portForwarding",
        b"cancel-tcpip-forward": "",
        b"cancel-streamlocal-forward@openssh.com": "",
        b"keepalive@openssh.com": "",
        b"no-more-sessions@openssh.com": "",
    }
)

#: What may be asked of a channel.
REQUESTS = Names(
    {
        b"auth-agent-req": "agentForwarding",
        b"auth-agent-req@openssh.com": "agentForwarding",
        b"break": "",
        b"env": "",
        b"eow@openssh.com": "",
        b"exec": "",
        b"pty-req": "pty",
        b"shell": "",
        b"signal": "",
        b"subsystem": "",
        b"window-change": "",
        b"x11-req": "x11Forwarding",
        b"xon-xoff": "",
    }
)

__all__ = [
    "CHANNELS",
    "GLOBAL_REQUESTS",
    "LISTEN",
    "LISTEN_LOCAL",
    "OPEN",
    "OPEN_LOCAL",
    "REQUESTS",
    "SESSION",
    "TUNNEL",
    "isName",
]
