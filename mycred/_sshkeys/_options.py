"""
What may be done with a key: the options of authorized_keys (sshd(8)) and those of
certificates (PROTOCOL.certkeys).
"""

from __future__ import annotations

from typing import NamedTuple

#: The options of authorized_keys that only the SSH server can enforce.
SERVER_OPTIONS = frozenset(
    {
        "command",
        "environment",
        "no-agent-forwarding",
        "no-port-forwarding",
        "no-pty",
        "no-user-rc",
        "no-x11-forwarding",
        "permitlisten",
        "permitopen",
        "restrict",
        "tunnel",
    }
)

#: The number of the tunnel device, if any will do.
ANY_TUNNEL = 0x7FFFFFFF

#: For each flag that can be turned off with no-, the field that it sets.
FLAGS = {
    "agent-forwarding": "agentForwarding",
    "port-forwarding": "portForwarding",
    "pty": "pty",
    "user-rc": "userRC",
    "x11-forwarding": "x11Forwarding",
}


class BadOption(ValueError):
    """
    Options that OpenSSH wouldn't take either, or that contradict each other.
    """


class KeyOptions(NamedTuple):
    """
    What may be done with a key.

    @ivar command: what is run in place of anything that the client asks for.
    @ivar environment: names and values to add to the environment.
    @ivar sources: patterns of which one must match where the client comes from.
    @ivar networks: those of a certificate, of which the client must be in one.
    @ivar isAuthority: whether the key signs certificates, and doesn't log in.
    @ivar principals: the names for one of which a certificate must be, separated by
        commas; L{None} for the name of the account.
    @ivar expires: until when it counts, in seconds since 1970; L{None} for ever.
    @ivar permitOpen: to where connections may be forwarded, as C{host:port}, with a
        number or C{*} for the port; anywhere if it is empty.
    @ivar permitListen: where the server may listen for connections to forward, written
        in the same way; anywhere if it is empty.
    @ivar tunnel: the number of the tunnel device; L{None} if nothing is said.
    @ivar isRestricted: whether everything is forbidden that isn't permitted by name.
    @ivar pty: whether a terminal may be had.
    @ivar portForwarding: whether connections may be forwarded.
    @ivar agentForwarding: whether the client's agent may be forwarded.
    @ivar x11Forwarding: whether the client's display may be forwarded.
    @ivar userRC: whether C{~/.ssh/rc} may be run.
    @ivar touchRequired: whether a security key must be touched.
    @ivar verifyRequired: whether a security key must verify its owner, by a PIN or a
        finger.
    """

    command: str | None = None
    environment: tuple[tuple[str, str], ...] = ()
    sources: str | None = None
    networks: str | None = None
    isAuthority: bool = False
    principals: str | None = None
    expires: int | None = None
    permitOpen: tuple[str, ...] = ()
    permitListen: tuple[str, ...] = ()
    tunnel: int | None = None
    isRestricted: bool = False
    pty: bool = True
    portForwarding: bool = True
    agentForwarding: bool = True
    x11Forwarding: bool = True
    userRC: bool = True
    touchRequired: bool = True
    verifyRequired: bool = False

    @property
    def demands(self) -> frozenset[str]:
        """
        The names of those options that only the server can enforce.
        """
        if self == UNRESTRICTED:
            return frozenset()
        found = {
            "command": self.command is not None,
            "environment": self.environment,
            "no-agent-forwarding": not self.agentForwarding,
            "no-port-forwarding": not self.portForwarding,
            "no-pty": not self.pty,
            "no-user-rc": not self.userRC,
            "no-x11-forwarding": not self.x11Forwarding,
            "permitlisten": self.permitListen,
            "permitopen": self.permitOpen,
            "restrict": self.isRestricted,
            "tunnel": self.tunnel is not None,
        }
        return frozenset(name for name, isDemanded in found.items() if isDemanded)


#: The options of a line that has none.
UNRESTRICTED = KeyOptions()


def merge(first: KeyOptions, second: KeyOptions) -> KeyOptions:
    """
    Return what a file and a certificate permit together: what both permit, and with the
    restrictions of either.

    @param first: whose C{from=} counts, where both have one.

    @raise BadOption: if each has another command, or lists that differ.
    """
    commands = {one.command for one in (first, second) if one.command is not None}
    if len(commands) > 1:
        raise BadOption("each of the line and the certificate has another command")
    for field in ("environment", "permitOpen", "permitListen", "tunnel"):
        # With OpenSSH the first one's count; then what the second forbids is permitted.
        lists = {getattr(one, field) for one in (first, second)} - {(), None}
        if len(lists) > 1:
            raise BadOption("each of the two has other lists")
    merged = first._replace(
        command=commands.pop() if commands else None,
        environment=first.environment or second.environment,
        sources=second.sources if first.sources is None else first.sources,
        networks=second.networks if first.networks is None else first.networks,
        isAuthority=False,
        principals=None,
        expires=min(
            (one.expires for one in (first, second) if one.expires is not None),
            default=None,
        ),
        permitOpen=first.permitOpen or second.permitOpen,
        permitListen=first.permitListen or second.permitListen,
        tunnel=second.tunnel if first.tunnel is None else first.tunnel,
        isRestricted=first.isRestricted or second.isRestricted,
        touchRequired=first.touchRequired or second.touchRequired,
        verifyRequired=first.verifyRequired or second.verifyRequired,
    )
    return merged._replace(
        pty=first.pty and second.pty,
        portForwarding=first.portForwarding and second.portForwarding,
        agentForwarding=first.agentForwarding and second.agentForwarding,
        x11Forwarding=first.x11Forwarding and second.x11Forwarding,
        userRC=first.userRC and second.userRC,
    )


__all__ = [
    "ANY_TUNNEL",
    "FLAGS",
    "SERVER_OPTIONS",
    "UNRESTRICTED",
    "BadOption",
    "KeyOptions",
    "merge",
]
