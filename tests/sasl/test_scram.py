"""
Tests for SCRAM, from the client's first message to the avatar.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.cred.portal import Portal as TwistedPortal
from twisted.internet.defer import Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from mycred.checkers import CheckerChain
from mycred.credentials import IScramCredentials
from mycred.error import (
    AccountDenied,
    DenialReason,
    SASLCancelled,
    SASLError,
    TemporaryFailure,
    UnauthorizedLogin,
    UnhandledCredentials,
)
from tests.kit.scramp import scrampClient

from ..kit.sasl import KeysChecker, ScramClient, Server, keysOf, portalOf
from ..kit.sessions import Realm

MECHANISMS = {"sha1": "SCRAM-SHA-1", "sha256": "SCRAM-SHA-256"}


def boundFacts(**bindings: bytes) -> Any:
    """
    Return facts of a connection with channel bindings.
    """
    named = {name.replace("_", "-"): data for name, data in bindings.items()}
    return SimpleNamespace(channelBinding=named.get, peer=None, service=None)


class Refusing:
    """
    A checker that refuses without asking the client.

    @ivar error: the error that it fails with.
    """

    credentialInterfaces = (IScramCredentials,)

    def __init__(self, error: Exception) -> None:
        self.error = error

    def requestAvatarId(self, credentials: object) -> Deferred[bytes]:
        """
        Refuse.
        """
        return fail(self.error)


class ScramTests(SynchronousTestCase):
    """
    Tests for logins with a checker that keeps keys.
    """

    def setUp(self) -> None:
        self.checker = KeysChecker(alice=keysOf(), al=keysOf(hash="sha1"))
        self.checker.users[b"a,b=c"] = keysOf()
        self.server = Server(portalOf(self.checker))

    def login(
        self, client: ScramClient, mechanism: str | None = None, server: Any = None
    ) -> Any:
        """
        Log in.
        """
        name = mechanism or MECHANISMS[client.hash]
        return (server or self.server).login(name, client.answer, client.first)

    def assertRefused(self, login: Any) -> None:
        """
        Assert that a login ends as if the password were wrong.
        """
        failure = self.failureResultOf(login, UnauthorizedLogin)
        self.assertFalse(failure.check(SASLError, AccountDenied))
        self.assertEqual(str(failure.value), "")

    def test_right(self) -> None:
        """
        Client and server prove to each other that they know the password, with each hash,
        and with names in which commas stand.
        """
        for client in (
            ScramClient(),
            ScramClient("sha1", b"al"),
            ScramClient(name=b"a,b=c"),
            ScramClient(header=b"y,,"),
            ScramClient(header=b"n,a=,"),
            ScramClient(header=b"n,a=alice,"),
        ):
            self.successResultOf(self.login(client))
            self.assertTrue(client.isTrusted)

    def test_noInitial(self) -> None:
        """
        The client is asked for its first message if it doesn't come with the name of the
        mechanism.
        """
        client = ScramClient()
        self.successResultOf(self.server.login("SCRAM-SHA-256", client.answer))
        self.assertEqual([c[:2] for c in self.server.sent], [b"", b"r=", b"v="])

    def test_wrong(self) -> None:
        """
        A wrong password is refused, and so are an unknown name, and a name that has no
        keys for this hash.
        """
        for client in (
            ScramClient(password=b"Sesame"),
            ScramClient(password=b""),
            ScramClient(name=b"bob"),
            ScramClient("sha1"),
        ):
            self.assertRefused(self.login(client))
            self.assertFalse(client.isTrusted)

    def test_actAsAnother(self) -> None:
        """
        Nobody may act as another user; that is told before any store is asked.
        """
        client = ScramClient(header=b"n,a=bob,")
        failure = self.failureResultOf(self.login(client), UnauthorizedLogin)
        self.assertFalse(failure.check(SASLError))
        self.assertEqual(client.heard, [])

    def test_unknown(self) -> None:
        """
        A client with a name that nobody has is sent what others are: a salt that is the
        same each time, in all processes, and gives the usual size and count.
        """
        for hints, size, count in (((), 16, 4096), ((10_000, 12), 12, 10_000)):
            self.checker.hints = hints
            challenges = []
            for _ in range(2):
                client = ScramClient(name=b"bob")
                self.assertRefused(self.login(client))
                (challenge,) = client.heard
                challenges.append(challenge.split(b","))
            self.assertNotEqual(*(nonce for nonce, *_ in challenges))
            (_, salt, iterations), (_, *again) = challenges
            self.assertEqual([salt, iterations], again)
            self.assertEqual(iterations, b"i=%d" % count)
            self.assertEqual(len(salt), 2 + -(-size // 3) * 4)

    def test_secrets(self) -> None:
        """
        The salt of an unknown name depends on the secret of the site, and on the name.
        """
        salts = set()
        for secret in (b"one", b"two"):
            server = Server(portalOf(self.checker), secret=secret)
            for name in (b"bob", b"bill"):
                client = ScramClient(name=name)
                self.assertRefused(self.login(client, server=server))
                salts.add(client.heard[0].split(b",")[1])
        self.assertEqual(len(salts), 4)

    def test_spellings(self) -> None:
        """
        All spellings that a store takes for one name have one salt.
        """

        class Lowering(KeysChecker):
            """
            A checker for which names are in lower case.
            """

            def requestAvatarId(self, credentials: Any) -> Deferred[bytes]:
                """
                Refuse.
                """
                credentials.expect(4096, 16, credentials.username.lower())
                return fail(UnauthorizedLogin())

        server = Server(portalOf(Lowering()))
        salts = set()
        for name in (b"bob", b"BOB", "\uff42ob".encode()):
            client = ScramClient(name=name)
            self.assertRefused(self.login(client, server=server))
            salts.add(client.heard[0].split(b",")[1])
        self.assertEqual(len(salts), 1)

    def test_guessed(self) -> None:
        """
        Whatever a client with an unknown name answers, it isn't let in.
        """
        for answer in (b"", b"c=biws,r=x,p=YQ==", SASLCancelled("cancelled")):
            login = self.server.login("SCRAM-SHA-256", iter([answer]), b"n,,n=bob,r=x")
            self.failureResultOf(login, SASLError)
        self.assertEqual(self.server.portal.realm.asked, [])

    def test_otherRefusals(self) -> None:
        """
        A login that nobody can check now, or that no checker is for, looks the same until
        its end; only then the client is told.
        """
        for error in (
            *(TemporaryFailure("down"), UnhandledCredentials("none"), ValueError("bug")),
        ):
            server = Server(portalOf(Refusing(error)))
            client = ScramClient()
            failure = self.failureResultOf(self.login(client, server=server))
            self.assertIs(failure.value, error)
            self.assertEqual(len(client.heard), 1)
        client = ScramClient()
        login = self.login(client, server=Server(portalOf()))
        self.failureResultOf(login, UnhandledCredentials)
        self.assertEqual(len(client.heard), 1)

    def test_denied(self) -> None:
        """
        That an account is disabled is told only to a client that has proved its password.
        """
        denied = AccountDenied(DenialReason.DISABLED)
        server = Server(portalOf(Refusing(denied)))
        client = ScramClient()
        self.assertRefused(self.login(client, server=server))
        self.assertEqual(len(client.heard), 1)

        class Denying(KeysChecker):
            """
            A checker that denies after the proof.
            """

            def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
                """
                Deny.
                """
                asked = super().requestAvatarId(credentials)
                return asked.addCallback(lambda _: fail(denied))

        server = Server(portalOf(Denying(alice=keysOf())))
        login = self.login(ScramClient(), server=server)
        self.assertIs(self.failureResultOf(login).value, denied)
        self.assertRefused(self.login(ScramClient(password=b"x"), server=server))

    def test_malformed(self) -> None:
        """
        What makes no sense is told as that, though the chain has gone on to other
        checkers, and these have refused.
        """
        others = Refusing(UnauthorizedLogin()), KeysChecker(alice=keysOf(b"x"))
        for checker in (self.checker, CheckerChain([self.checker, *others])):
            server = Server(portalOf(checker))
            for answers in (
                [b"nonsense"],
                [b""],
                [SASLCancelled("cancelled")],
                [b"c=biws,r=clientnonce,p=YQ=="],
            ):
                login = server.login("SCRAM-SHA-256", iter(answers), ScramClient().first)
                failure = self.failureResultOf(login, SASLError)
                wanted = isinstance(answers[0], SASLCancelled)
                self.assertEqual(failure.check(SASLCancelled) is not None, wanted)
        for first in (b"", b"nonsense", b"n,,n=alice", ScramClient(header=b"z,,").first):
            login = self.server.login("SCRAM-SHA-256", iter([first]))
            self.failureResultOf(login, SASLError)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_notContent(self) -> None:
        """
        A client that isn't content with the server's proof isn't let in.
        """
        for last in (b"x", SASLCancelled("cancelled"), SASLError("no base64")):
            client = ScramClient()

            def answer(
                challenge: bytes, client: ScramClient = client, last: Any = last
            ) -> Any:
                said = client.answer(challenge)
                return last if challenge.startswith(b"v=") else said

            login = self.server.login("SCRAM-SHA-256", answer, client.first)
            self.failureResultOf(login, SASLError)
            self.assertTrue(client.isTrusted)
        self.assertEqual(self.server.portal.realm.asked, [])

    def test_firstDecides(self) -> None:
        """
        If two checkers know a name, the password that the first one knows is right.
        """
        checkers = self.checker, KeysChecker(alice=keysOf(b"other"))
        server = Server(portalOf(*checkers))
        self.successResultOf(self.login(ScramClient(), server=server))
        self.assertRefused(self.login(ScramClient(password=b"other"), server=server))

    def test_twistedPortal(self) -> None:
        """
        Under Twisted's own portal it is the same.
        """
        server = Server(TwistedPortal(Realm(), [self.checker]))
        client = ScramClient()
        self.successResultOf(self.login(client, server=server))
        self.assertTrue(client.isTrusted)
        for client in (ScramClient(password=b"Sesame"), ScramClient(name=b"bob")):
            self.assertRefused(self.login(client, server=server))
            self.assertEqual(len(client.heard), 1)

    def test_replayed(self) -> None:
        """
        The messages of another login let nobody in.
        """
        said = []
        client = ScramClient()

        def answer(challenge: bytes) -> bytes:
            said.append(client.answer(challenge))
            return said[-1]

        login = self.server.login("SCRAM-SHA-256", answer, client.first)
        self.successResultOf(login)
        again = self.server.login("SCRAM-SHA-256", iter(said), client.first)
        self.failureResultOf(again, SASLError)


class BindingTests(SynchronousTestCase):
    """
    Tests for the mechanisms that bind a login to its connection.
    """

    def setUp(self) -> None:
        self.offered = (b"SCRAM-SHA-256-PLUS", b"SCRAM-SHA-256")
        self.server = Server(
            portalOf(KeysChecker(alice=keysOf())),
            facts=boundFacts(tls_exporter=b"one", tls_server_end_point=b"two"),
            offered=self.offered,
        )

    def login(self, mechanism: str, header: bytes, binding: bytes = b"") -> Any:
        """
        Log in.
        """
        self.client = ScramClient(header=header, binding=binding)
        return self.server.login(mechanism, self.client.answer, self.client.first)

    def test_bound(self) -> None:
        """
        A client that sees the same connection as the server is let in.
        """
        for name, data in ((b"tls-exporter", b"one"), (b"tls-server-end-point", b"two")):
            login = self.login("SCRAM-SHA-256-PLUS", b"p=%b,," % name, data)
            self.successResultOf(login)
            self.assertTrue(self.client.isTrusted)

    def test_otherConnection(self) -> None:
        """
        One that sees another, since somebody stands between, is not.
        """
        for binding in (b"two", b"", b"onetwo"):
            login = self.login("SCRAM-SHA-256-PLUS", b"p=tls-exporter,,", binding)
            failure = self.failureResultOf(login, UnauthorizedLogin)
            self.assertFalse(failure.check(SASLError))
            self.assertFalse(self.client.isTrusted)

    def test_noSuchBinding(self) -> None:
        """
        A binding that the connection hasn't got is refused before any store is asked.
        """
        for name in (b"tls-unique", b"tls-", b"x"):
            login = self.login("SCRAM-SHA-256-PLUS", b"p=%b,," % name)
            failure = self.failureResultOf(login, UnauthorizedLogin)
            self.assertFalse(failure.check(SASLError))
            self.assertEqual(self.client.heard, [])

    def test_downgrade(self) -> None:
        """
        A client that hasn't seen that channel binding was offered is refused: somebody
        has taken it out.
        """
        login = self.login("SCRAM-SHA-256", b"y,,")
        failure = self.failureResultOf(login, UnauthorizedLogin)
        self.assertFalse(failure.check(SASLError))
        self.assertEqual(self.client.heard, [])
        self.successResultOf(self.login("SCRAM-SHA-256", b"n,,"))

    def test_notOffered(self) -> None:
        """
        If it wasn't offered, the client is right.
        """
        self.server = Server(self.server.portal, offered=self.offered[1:])
        self.successResultOf(self.login("SCRAM-SHA-256", b"y,,"))

    def test_mixed(self) -> None:
        """
        A binding goes with -PLUS, and only with that.
        """
        for mechanism, header in (
            ("SCRAM-SHA-256", b"p=tls-exporter,,"),
            ("SCRAM-SHA-256-PLUS", b"n,,"),
            ("SCRAM-SHA-256-PLUS", b"y,,"),
        ):
            login = self.login(mechanism, header, b"one")
            self.failureResultOf(login, SASLError)


class ScrampTests(SynchronousTestCase):
    """
    Tests with the client of scramp, a library of others.
    """

    def setUp(self) -> None:
        self.bindings = {
            "tls-unique": b"finished",
            "tls-server-end-point": b"hash of a certificate",
        }
        facts = SimpleNamespace(channelBinding=self.bindings.get, peer=None, service=None)
        self.users = {
            hash: KeysChecker(alice=keysOf("I\u00adX".encode(), hash, 4096))
            for hash in MECHANISMS
        }
        self.servers = {
            hash: Server(portalOf(checker), facts=facts)
            for hash, checker in self.users.items()
        }

    def login(self, hash: str, password: str, **options: Any) -> Any:
        """
        Log in.
        """
        name = MECHANISMS[hash] + ("-PLUS" if options else "")
        client = scrampClient(name, "alice", password, **options)

        def answer(challenge: bytes) -> Any:
            if not challenge:
                return succeed(client.get_client_first().encode())
            if challenge.startswith(b"v="):
                client.set_server_final(challenge.decode())
                return succeed(b"")
            client.set_server_first(challenge.decode())
            return succeed(client.get_client_final().encode())

        return self.servers[hash].login(name, answer)

    def test_hashes(self) -> None:
        """
        It logs in with each hash, and verifies the server; it prepares its password.
        """
        for hash in MECHANISMS:
            self.successResultOf(self.login(hash, "IX"))
            self.failureResultOf(self.login(hash, "ix"), UnauthorizedLogin)

    def test_bindings(self) -> None:
        """
        It does so with each channel binding that it knows.
        """
        for hash in MECHANISMS:
            for name, data in self.bindings.items():
                bound = self.login(hash, "IX", channel_binding=(name, data))
                self.successResultOf(bound)
                other = self.login(hash, "IX", channel_binding=(name, b"other"))
                self.failureResultOf(other, UnauthorizedLogin)
