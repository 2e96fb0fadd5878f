"""
Tests for what keys forbid, by whatever name clients ask for it.

They cover L{mycred.conch._arguments}, L{mycred.conch._names}, L{mycred.conch._requests}
and L{mycred.conch._restricted}, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import example, given, settings, strategies as st

from twisted.conch.avatar import ConchUser
from twisted.conch.ssh import session
from twisted.conch.ssh.common import NS
from twisted.internet import defer
from twisted.trial.unittest import SynchronousTestCase

from mycred._conchcontracts import ConchError
from mycred._sshkeys import Certificate, parseOptions
from mycred._sshkeys._optionlist import fromCertificate
from mycred._verdict import Kind, Verdict
from mycred.checkers.sshkeys import KeyEvidence, SSHPublicKeyChecker
from mycred.conch import RestrictedUser

from ..kit.keycheckers import ACCOUNT, Files
from ..kit.keys import certificate, ed25519
from ..kit.openssh import freePort, isListening
from ..kit.sshclient import SUCCESS, Channel, ServerTestCase, spellings

patient = settings(deadline=None, database=None)

ALICE, CA = ed25519(), ed25519()

PTY = NS(b"xterm") + b"\0" * 16 + NS(b"")
X11 = b"\0" + NS(b"x") + NS(b"y") + b"\0" * 4

#: What is asked of a session, by the option that forbids it.
FORBIDDEN = {
    b"pty-req": ("no-pty", PTY),
    b"auth-agent-req@openssh.com": ("no-agent-forwarding", b""),
    b"auth-agent-req": ("no-agent-forwarding", b""),
    b"x11-req": ("no-x11-forwarding", X11),
}

#: What does no harm, asked of a session and of a connection.
HARMLESS = (
    b"break",
    b"eow@openssh.com",
    b"exec",
    b"shell",
    b"signal",
    b"subsystem",
    b"window-change",
    b"xon-xoff",
)
HARMLESS_GLOBAL = (
    b"cancel-streamlocal-forward@openssh.com",
    b"cancel-tcpip-forward",
    b"keepalive@openssh.com",
    b"no-more-sessions@openssh.com",
)

#: What is asked of a connection, all forbidden by C{no-port-forwarding}.
LISTEN = (b"tcpip-forward", b"streamlocal-forward@openssh.com")

EXTENSIONS = (
    b"permit-X11-forwarding",
    b"permit-agent-forwarding",
    b"permit-port-forwarding",
    b"permit-pty",
    b"permit-user-rc",
)


def certified(without: bytes) -> Any:
    """
    Make the options of a certificate that lacks a permission.
    """
    extensions = tuple((one, b"") for one in EXTENSIONS if one != without)
    blob = certificate(CA, ALICE, extensions=extensions)
    return fromCertificate(Certificate.parse(blob))


class Recording:
    """
    What has a method by every name that begins as it should, and notes which is
    called.
    """

    prefix = ""
    reached: list[str]

    def __getattribute__(self, name: str) -> Any:
        prefix = object.__getattribute__(self, "prefix")
        if not name.startswith(prefix):
            return super().__getattribute__(name)

        def reach(data: bytes) -> int:
            self.reached.append(name[len(prefix) :])
            return 1

        return reach


class RecordingSession(Recording, session.SSHSession):
    """
    A session that takes every request.
    """

    prefix = "request_"

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.reached: list[str] = []


class RecordingUser(Recording, ConchUser):
    """
    An avatar that takes every request, and opens every channel.
    """

    prefix = "global_"

    def __init__(self) -> None:
        super().__init__()
        self.reached: list[str] = []
        self.opened: list[bytes] = []

    def lookupChannel(self, kind: bytes, window: int, most: int, data: bytes) -> Any:
        """
        Open a channel.
        """
        self.opened.append(kind)
        return RecordingSession(remoteWindow=window, remoteMaxPacket=most, data=data)


def known(handler: str) -> str:
    """
    Write the names of handlers that are as good as one in one way.
    """
    return "".join(sign if sign.isalnum() else "_" for sign in handler.lower())


def spelled(*names: bytes) -> st.SearchStrategy[bytes]:
    """
    Spell names in any way, or something near them.
    """

    def swap(name: bytes) -> st.SearchStrategy[bytes]:
        signs = [
            st.sampled_from([bytes([one]), bytes([one]).swapcase(), b"-", b"_"])
            if not bytes([one]).isalnum()
            else st.sampled_from([bytes([one]), bytes([one]).swapcase()])
            for one in name
        ]
        return st.tuples(*signs).map(b"".join)

    near = st.sampled_from(names).flatmap(swap)
    around = st.binary(max_size=2)
    return st.one_of(
        near,
        st.tuples(around, near, around).map(b"".join),
        st.binary(max_size=70),
        st.sampled_from(names),
    )


ALL = (*FORBIDDEN, *LISTEN, *HARMLESS, *HARMLESS_GLOBAL, b"env")


class SpellingTests(SynchronousTestCase):
    """
    Tests for what avatars and sessions are asked, with those that would do anything.
    """

    def reachedBy(self, kind: bytes, options: Any, data: bytes = b"") -> list[str]:
        """
        Ask a session and the connection for something.

        @return: the handlers that were reached.
        """
        user = RecordingUser()
        restricted = RestrictedUser(user, options)
        channel = restricted.lookupChannel(b"session", 1, 1, b"")
        for one in (data, b"", NS(b"x"), PTY, X11):
            channel.requestReceived(kind, one)
            restricted.gotGlobalRequest(kind, one)
        return [known(f"global_{one}") for one in user.reached] + [
            known(f"request_{one}") for one in channel.reached
        ]

    @patient
    @given(spelled(*ALL), st.sampled_from(sorted(FORBIDDEN)))
    @example(b"pty_req", b"pty-req")
    @example(b"x11_req", b"x11-req")
    @example(b"auth_agent_req@openssh.com", b"auth-agent-req@openssh.com")
    def test_oneForbidden(self, kind: bytes, forbidden: bytes) -> None:
        """
        In no spelling what is forbidden is reached, by a key's option or by a
        certificate that lacks the permission.
        """
        option, _ = FORBIDDEN[forbidden]
        lacking = {
            "no-pty": b"permit-pty",
            "no-agent-forwarding": b"permit-agent-forwarding",
            "no-x11-forwarding": b"permit-X11-forwarding",
        }
        for options in (parseOptions(option), certified(lacking[option])):
            reached = self.reachedBy(kind, options)
            self.assertNotIn(known(f"request_{forbidden.decode()}"), reached)

    @patient
    @given(spelled(*ALL), st.sampled_from([None, "8080", "192.0.2.1:*"]))
    @example(b"tcpip_forward", None)
    @example(b"tcpip_forward", "8080")
    @example(b"streamlocal_forward@openssh.com", "8080")
    def test_listen(self, kind: bytes, permitted: str | None) -> None:
        """
        In no spelling something listens where it may not.
        """
        choices = [certified(b"permit-port-forwarding")]
        choices.append(
            parseOptions(
                "no-port-forwarding"
                if permitted is None
                else f'permitlisten="{permitted}"'
            )
        )
        for options in choices:
            reached = self.reachedBy(kind, options, NS(b"127.0.0.1") + b"\0\0\0\x50")
            for name in LISTEN:
                self.assertNotIn(known(f"global_{name.decode()}"), reached)

    def test_socket(self) -> None:
        """
        A socket without a port is none of those on which C{permitlisten} lets listen.
        """
        place = NS(b"127.0.0.1") + b"\0\0\0\x50"
        for name, isReached in zip(LISTEN, (True, False)):
            reached = self.reachedBy(name, parseOptions('permitlisten="*:80"'), place)
            handler = known(f"global_{name.decode()}")
            self.assertEqual(handler in reached, isReached)

    @patient
    @given(spelled(*ALL))
    @example(b"Env")
    @example(b"window_change")
    @example(b"cancel_tcpip_forward")
    def test_restrict(self, kind: bytes) -> None:
        """
        With C{restrict} what is reached is what is harmless, by its right name.
        """
        expected = set()
        if kind in HARMLESS:
            expected = {known(f"request_{kind.decode()}")}
        elif kind in HARMLESS_GLOBAL:
            expected = {known(f"global_{kind.decode()}")}
        reached = self.reachedBy(kind, parseOptions("restrict"))
        self.assertEqual(set(reached), expected)

    @patient
    @given(spelled(*ALL))
    @example(b"exec_")
    @example(b"EXEC")
    def test_command(self, kind: bytes) -> None:
        """
        Where a command is forced, nothing starts anything else.
        """
        user = RestrictedUser(RecordingUser(), parseOptions('command="x"'))
        channel = user.lookupChannel(b"session", 1, 1, b"")
        channel.requestReceived(kind, NS(b"y"))
        names = set(map(known, channel.reached))
        if names & {"shell", "subsystem"}:
            self.fail(f"{kind!r} has reached {names}")
        if "exec" in names:
            self.assertIn(kind, (b"exec", b"shell", b"subsystem"))

    @patient
    @given(
        spelled(
            b"session",
            b"direct-tcpip",
            b"direct-streamlocal@openssh.com",
            b"forwarded-tcpip",
            b"auth-agent@openssh.com",
            b"x11",
            b"tun@openssh.com",
        )
    )
    @example(b"direct_tcpip")
    @example(b"Session")
    def test_channels(self, kind: bytes) -> None:
        """
        With C{restrict} only sessions are opened, and what is forbidden by name in no
        spelling.
        """
        for text in (
            "restrict",
            "no-port-forwarding,no-agent-forwarding,no-x11-forwarding",
        ):
            user = RecordingUser()
            try:
                RestrictedUser(user, parseOptions(text)).lookupChannel(kind, 1, 1, b"")
            except ConchError:
                continue
            opened = [known(one.decode("latin-1")) for one in user.opened]
            if text == "restrict":
                self.assertEqual(user.opened, [b"session"])
            for name in ("direct_tcpip", "x11", "auth_agent_openssh_com"):
                self.assertNotIn(name, opened)

    def test_own(self) -> None:
        """
        What a program has of its own, it has under a key that isn't restricted, and by
        whatever method it finds it.
        """
        for text, isReached in (("", True), ("no-pty", True), ("restrict", False)):
            for name in (b"new-thing@example.org", b"own_thing", b"x"):
                reached = set(self.reachedBy(name, parseOptions(text)))
                own = {known(f"{one}_{name.decode()}") for one in ("global", "request")}
                self.assertEqual(reached, own if isReached else set(), (text, name))

    def test_permitted(self) -> None:
        """
        What isn't forbidden is reached by its name.
        """
        for name in ALL:
            reached = self.reachedBy(name, parseOptions(""), NS(b"127.0.0.1") + b"\0" * 4)
            isGlobal = name in (*LISTEN, *HARMLESS_GLOBAL)
            kind = "global" if isGlobal else "request"
            self.assertIn(known(f"{kind}_{name.decode()}"), reached)

    def test_otherChannels(self) -> None:
        """
        What is forbidden in sessions is so in channels of every other kind.
        """
        for kind in (b"session", b"own-session@example.org"):
            user = RestrictedUser(RecordingUser(), parseOptions("no-pty"))
            channel = user.lookupChannel(kind, 1, 1, b"")
            self.assertEqual(channel.requestReceived(b"pty-req", PTY), 0)
            self.assertEqual(channel.reached, [])


class ConnectionTests(ServerTestCase):
    """
    Tests with a client and a server.
    """

    @defer.inlineCallbacks
    def login(self, options: Any) -> Any:
        """
        Log in with a key that has options.
        """
        if isinstance(options, str):
            options = parseOptions(options)
        evidence = KeyEvidence("ssh-ed25519", "SHA256:x", options, "/keys", 3)
        verdict = Verdict(Kind.ACCEPTED, b"alice", account=ACCOUNT, key=evidence)
        client = yield self.connect(SSHPublicKeyChecker(Files(verdict)))
        code, _ = yield client.prove(ALICE)
        self.assertEqual(code, SUCCESS)
        return client

    @defer.inlineCallbacks
    def listen(self, client: Any, kind: bytes, wantReply: int) -> Any:
        """
        Ask for a port to listen on.

        @return: whether it does.
        """
        port = freePort()
        asking = client.service.sendGlobalRequest(
            kind, NS(b"127.0.0.1") + port.to_bytes(4, "big"), wantReply=wantReply
        )
        if asking is not None:
            yield asking.addErrback(lambda _: None)
        # Requests are answered one after another.
        last = client.service.sendGlobalRequest(b"none@x", b"", wantReply=1)
        yield last.addErrback(lambda _: None)
        return isListening(port)

    @defer.inlineCallbacks
    def test_ports(self) -> Any:
        """
        No port is listened on that a key or a certificate forbids, by whatever name.
        """
        client = yield self.login("")
        self.assertTrue((yield self.listen(client, b"tcpip-forward", 1)))
        for options in (
            "restrict",
            "no-port-forwarding",
            'permitlisten="192.0.2.1:*"',
            'permitlisten="127.0.0.1:1"',
            certified(b"permit-port-forwarding"),
        ):
            client = yield self.login(options)
            for kind in (b"tcpip-forward", *spellings(b"tcpip-forward")):
                for wantReply in (0, 1):
                    isGranted = yield self.listen(client, kind, wantReply)
                    self.assertFalse(isGranted, (options, kind))
        self.assertEqual(self.flushLoggedErrors(), [])

    @defer.inlineCallbacks
    def test_requests(self) -> Any:
        """
        Nothing is had that a key or a certificate forbids, by whatever name; then the
        session goes on, and has no terminal.
        """
        options: list[tuple[Callable[[], Any], bytes]] = []
        for without, option in (
            (b"permit-pty", "no-pty"),
            (b"permit-agent-forwarding", "no-agent-forwarding"),
            (b"permit-X11-forwarding", "no-x11-forwarding"),
        ):
            for name, (forbidding, _) in FORBIDDEN.items():
                if forbidding == option:
                    options += [(lambda o=option: parseOptions(o), name)]
                    options += [(lambda w=without: certified(w), name)]
        for make, name in options:
            client = yield self.login(make())
            one = yield self.session(client)
            for kind in (name, *spellings(name)):
                self.assertFalse((yield one.ask(kind, FORBIDDEN[name][1])), kind)
                client.service.sendRequest(one, kind, FORBIDDEN[name][1])
            self.assertTrue((yield one.ask(b"exec", NS(b"test -t 0 || echo none"))))
            output = yield one.ended
            if name == b"pty-req":
                self.assertEqual(output, b"none\n")
        self.assertEqual(self.flushLoggedErrors(), [])

    @defer.inlineCallbacks
    def test_ofTheServer(self) -> Any:
        """
        Channels that the server has opened are held to what the key permits, too.
        """
        client = yield self.login("no-pty")
        reached: list[str] = []
        opened: defer.Deferred[Any] = defer.Deferred()

        class Accepted(Channel):
            """
            What the client makes of it.
            """

            name = b"own@example.org"

            def channelOpen(self, data: bytes) -> None:
                opened.callback(self)

        client.service.channel_own_example_org = lambda window, most, data: Accepted(
            remoteWindow=window, remoteMaxPacket=most
        )
        sessions = self.server.avatars[0].conn
        channel = RecordingSession()
        channel.name = b"own@example.org"
        channel.reached = reached
        sessions.openChannel(channel)
        mine = yield opened
        for kind in (b"pty-req", *spellings(b"pty-req")):
            self.assertFalse((yield mine.ask(kind, PTY)))
        self.assertEqual(reached, [])
        self.assertTrue((yield mine.ask(b"window-change", b"\0" * 16)))
        self.assertEqual(reached, ["window_change"])
