"""
Tests for untouched Twisted protocols that log their users in with mycred, over
real sockets.
"""

from __future__ import annotations

import hashlib
import hmac
import imaplib
import poplib
import smtplib
import socket
from base64 import b64decode, b64encode
from collections.abc import Callable
from ftplib import FTP as FTPClient, error_perm as FTPRefused
from http.client import HTTPConnection
from io import BytesIO
from typing import Any
from urllib.request import parse_http_list, parse_keqv_list

from zope.interface import implementer

from twisted.cred import error as twistedError
from twisted.cred.checkers import (
    FilePasswordDB as TwistedFilePasswordDB,
    ICredentialsChecker,
)
from twisted.cred.portal import IRealm, Portal as TwistedPortal
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks, succeed
from twisted.internet.protocol import Factory
from twisted.internet.threads import deferToThread
from twisted.mail import imap4, pop3, smtp
from twisted.protocols.ftp import FTPFactory
from twisted.python.failure import Failure
from twisted.python.filepath import FilePath
from twisted.spread import pb
from twisted.web.guard import (
    BasicCredentialFactory,
    DigestCredentialFactory,
    HTTPAuthSessionWrapper,
)
from twisted.web.resource import IResource
from twisted.web.server import Site
from twisted.web.static import Data
from twisted.words.service import InMemoryWordsRealm, IRCFactory

from mycred import credentials
from mycred.checkers import FilePasswordDB
from mycred.error import TemporaryFailure, Throttled, UnauthorizedLogin
from mycred.portal import Portal

from .kit.portals import Checker, raising
from .kit.protocols import PATIENCE, LoginTestCase, NotingFTPRealm, Refused


@implementer(IRealm)
class Realm:
    """
    A realm that makes an avatar of any user.

    @ivar logouts: the users who have left.
    """

    def __init__(self, interface: Any, makeAvatar: Callable[[bytes], Any]) -> None:
        self.interface = interface
        self.makeAvatar = makeAvatar
        self.logouts: list[bytes] = []

    def requestAvatar(self, avatarId: bytes, mind: object, *interfaces: Any) -> Any:
        """
        Make an avatar.
        """
        if self.interface not in interfaces:
            raise NotImplementedError(interfaces)
        avatar = self.makeAvatar(avatarId)
        return self.interface, avatar, lambda: self.logouts.append(avatarId)


class PortalFactory(Factory):
    """
    Build protocols that have a portal.

    @cvar challengers: the SASL mechanisms that a POP3 server asks its factory
        for.
    """

    noisy = False
    challengers = {b"CRAM-MD5": credentials.CramMD5Credentials}

    def __init__(self, build: Callable[[], Any], portal: Any) -> None:
        self.build = build
        self.portal = portal

    def buildProtocol(self, addr: object) -> Any:
        """
        Build a protocol.
        """
        protocol = self.build()
        protocol.factory = self
        protocol.portal = self.portal
        return protocol


class PasswordTests:
    """
    What every protocol does for users with a name and a password.

    @cvar wrong: what the server says to wrong credentials.
    @cvar unavailable: what it says if the store of passwords is missing.
    @cvar throttled: what it says to a client that has to wait; C{unavailable} if L{None}.
    """

    wrong: str
    unavailable: str
    throttled: str | None = None

    def setUp(self) -> None:
        self.users = FilePath(self.mktemp())
        self.users.setContent(b"alice:sesame\nbob:tulip\n")
        self.serve(self.makeFactory(self.makeChecker()))

    def makeChecker(self) -> Any:
        """
        Make the checker of the file C{self.users}.
        """
        return FilePasswordDB(self.users.path)

    def makePortal(self, realm: Any, checker: Any) -> Any:
        """
        Make the portal that the protocol gets.
        """
        return Portal(realm, [checker])

    def makeFactory(self, checker: Any) -> Any:
        """
        Make the factory of the protocol.
        """
        raise NotImplementedError

    def logIn(self, name: str, password: str) -> str:
        """
        Log in and out again, as a client that waits for each answer.

        @return: the name of the user as the avatar knows it.

        @raise Refused: if the server doesn't let them in.
        """
        raise NotImplementedError

    def attempt(self, name: str, password: str) -> Deferred[str]:
        """
        Log in and out again without making the server wait.
        """
        return deferToThread(self.logIn, name, password)

    @inlineCallbacks
    def assertRefused(self, name: str, password: str, answer: str) -> Any:
        """
        Assert that a login is refused with a certain answer, and that the
        server goes on.
        """
        refused = yield self.assertFailure(self.attempt(name, password), Refused)
        self.assertRegex(refused.answer, answer)
        # Some protocols log a refusal as an error of the server.
        self.flushLoggedErrors(UnauthorizedLogin, TemporaryFailure)

    @inlineCallbacks
    def test_rightPassword(self) -> Any:
        """
        Users with the right password are let in, each as himself.
        """
        self.assertEqual((yield self.attempt("alice", "sesame")), "alice")
        self.assertEqual((yield self.attempt("bob", "tulip")), "bob")

    def test_wrongPassword(self) -> Deferred[None]:
        """
        A user with another one's password is refused.
        """
        return self.assertRefused("alice", "tulip", self.wrong)

    def test_unknownUser(self) -> Deferred[None]:
        """
        A user who isn't in the file is refused as with a wrong password.
        """
        return self.assertRefused("mallory", "sesame", self.wrong)

    def test_emptyPassword(self) -> Deferred[None]:
        """
        A user who gives no password is refused.
        """
        return self.assertRefused("alice", "", self.wrong)

    @inlineCallbacks
    def test_missingStore(self) -> Any:
        """
        While the file of passwords is missing, the server refuses in the words
        of its protocol; as soon as the file is back, it lets users in.
        """
        content = self.users.getContent()
        self.users.remove()
        yield self.assertRefused("alice", "sesame", self.unavailable)
        self.users.setContent(content)
        self.assertEqual((yield self.attempt("alice", "sesame")), "alice")

    def test_throttled(self) -> Deferred[None]:
        """
        A client that has to wait is answered as if the store couldn't tell.
        """
        checker = Checker(raising(Throttled(5)))
        checker.credentialInterfaces = (
            credentials.IUsernamePassword,
            credentials.IUsernameHashedPassword,
        )
        self.serve(self.makeFactory(checker))
        answer = self.throttled or self.unavailable
        return self.assertRefused("alice", "sesame", answer)


class OneLetter(pop3.Mailbox):
    """
    A POP3 mailbox with a letter that says whose it is.
    """

    def __init__(self, user: bytes) -> None:
        self.letter = user

    def listMessages(self, i: int | None = None) -> Any:
        """
        Tell the size of the letter.
        """
        return [len(self.letter)] if i is None else len(self.letter)

    def getMessage(self, i: int) -> BytesIO:
        """
        Fetch the letter.
        """
        return BytesIO(self.letter)


class POP3Tests(PasswordTests, LoginTestCase):
    """
    Tests for logging in over POP3.
    """

    wrong = "-ERR Authentication failed"
    unavailable = "-ERR Authentication failed"

    def makeFactory(self, checker: Any) -> Factory:
        """
        Serve mailboxes.
        """
        self.realm = Realm(pop3.IMailbox, OneLetter)
        return PortalFactory(pop3.POP3, self.makePortal(self.realm, checker))

    def logIn(self, name: str, password: str) -> str:
        """
        Log in, and read the letter.
        """
        client = poplib.POP3("127.0.0.1", self.port, PATIENCE)
        try:
            self.authenticate(client, name, password)
            return client.retr(1)[1][0].decode("ascii")
        except poplib.error_proto as error:
            raise Refused(error)
        finally:
            client.quit()

    def authenticate(self, client: poplib.POP3, name: str, password: str) -> None:
        """
        Say USER and PASS.
        """
        client.user(name)
        client.pass_(password)

    @inlineCallbacks
    def test_logout(self) -> Any:
        """
        A user is logged out once when they leave, and no other user is.
        """
        yield self.attempt("alice", "sesame")
        yield self.assertRefused("bob", "sesame", self.wrong)
        yield self.connections.allGone()
        self.assertEqual(self.realm.logouts, [b"alice"])


class POP3CramMD5Tests(POP3Tests):
    """
    Tests for logging in over POP3 without sending the password.
    """

    def authenticate(self, client: poplib.POP3, name: str, password: str) -> None:
        """
        Answer a challenge.
        """
        challenge = b64decode(client._shortcmd("AUTH CRAM-MD5")[2:])
        client._shortcmd(b64encode(cramMD5(name, password, challenge)).decode("ascii"))


def cramMD5(name: str, password: str, challenge: bytes) -> bytes:
    """
    Answer a CRAM-MD5 challenge, as RFC 2195 has it.
    """
    digest = hmac.new(password.encode("utf-8"), challenge, "md5").hexdigest()
    return f"{name} {digest}".encode("ascii")


class TwistedPortalTests(POP3Tests):
    """
    Tests for a checker of mycred's behind Twisted's own portal.
    """

    def makePortal(self, realm: Any, checker: Any) -> TwistedPortal:
        """
        Make Twisted's portal.
        """
        return TwistedPortal(realm, [checker])


class TwistedCheckerTests(POP3Tests):
    """
    Tests for Twisted's own checker behind mycred's portal.
    """

    def makeChecker(self) -> TwistedFilePasswordDB:
        """
        Make Twisted's checker.
        """
        return TwistedFilePasswordDB(self.users.path)


class ThirdPartyCheckerTests(POP3CramMD5Tests):
    """
    Tests for a checker behind mycred's portal whose author knows Twisted only.
    """

    def makeChecker(self) -> Any:
        """
        Make a checker that answers without a Deferred and raises.
        """
        users = self.users

        @implementer(ICredentialsChecker)
        class LineChecker:
            credentialInterfaces = [credentials.IUsernameHashedPassword]

            def requestAvatarId(self, creds: Any) -> bytes:
                if not users.exists():
                    raise twistedError.LoginFailed("no file")
                for line in users.getContent().splitlines():
                    name, _, password = line.partition(b":")
                    if name == creds.username and creds.checkPassword(password):
                        return name
                raise twistedError.UnauthorizedLogin

        return LineChecker()


class EmptyFolder:
    """
    As much of an IMAP4 folder as its name takes.
    """

    def getFlags(self) -> list[str]:
        """
        List no flags.
        """
        return []

    def getHierarchicalDelimiter(self) -> str:
        """
        Tell what separates the parts of a name.
        """
        return "/"


def _account(user: bytes) -> imap4.MemoryAccount:
    """
    Make an account with a folder of the user's name.
    """
    account = imap4.MemoryAccount(user.decode("ascii"))
    account.mailboxes[account.name.upper()] = EmptyFolder()
    return account


class IMAP4Tests(PasswordTests, LoginTestCase):
    """
    Tests for logging in over IMAP4 with the command LOGIN.
    """

    wrong = "LOGIN failed"
    unavailable = "Server error: Temporarily unavailable"
    throttled: str | None = "Server error: Too many failed logins; try again in 5 s"

    def makeFactory(self, checker: Any) -> Factory:
        """
        Serve accounts.
        """
        challengers = {
            b"CRAM-MD5": credentials.CramMD5Credentials,
            b"PLAIN": imap4.PLAINCredentials,
        }
        return PortalFactory(
            lambda: imap4.IMAP4Server(dict(challengers)),
            self.makePortal(Realm(imap4.IAccount, _account), checker),
        )

    def logIn(self, name: str, password: str) -> str:
        """
        Log in, and list the folders.
        """
        with imaplib.IMAP4("127.0.0.1", self.port, PATIENCE) as client:
            try:
                self.authenticate(client, name, password)
            except imaplib.IMAP4.error as error:
                raise Refused(error)
            folder = client.list()[1][0]
            return folder.split()[-1].strip(b'"').decode("ascii").lower()

    def authenticate(self, client: imaplib.IMAP4, name: str, password: str) -> None:
        """
        Say LOGIN.
        """
        client.login(name, password)


class IMAP4CramMD5Tests(IMAP4Tests):
    """
    Tests for logging in over IMAP4 without sending the password.
    """

    wrong = "Authentication failed: unauthorized"
    unavailable = throttled = "Server error: login failed unexpectedly"

    def authenticate(self, client: imaplib.IMAP4, name: str, password: str) -> None:
        """
        Answer a challenge.
        """
        client.login_cram_md5(name, password)


class IMAP4PlainTests(IMAP4CramMD5Tests):
    """
    Tests for logging in over IMAP4 with AUTHENTICATE PLAIN.
    """

    def authenticate(self, client: imaplib.IMAP4, name: str, password: str) -> None:
        """
        Send name and password in one.
        """
        client.authenticate("PLAIN", lambda _: f"\0{name}\0{password}".encode("ascii"))


@implementer(smtp.IMessage)
class Letter:
    """
    A letter on its way in.
    """

    def __init__(self, sent: list[str]) -> None:
        self.sent = sent
        self.lines: list[bytes] = []

    def lineReceived(self, line: bytes) -> None:
        """
        Take a line.
        """
        self.lines.append(line)

    def eomReceived(self) -> Deferred[None]:
        """
        Keep the letter.
        """
        self.sent.append(self.lines[0].decode("ascii"))
        return succeed(None)

    def connectionLost(self) -> None:
        """
        Forget it.
        """


@implementer(smtp.IMessageDelivery)
class Delivery:
    """
    A user's right to send letters, which are stamped with their name.
    """

    def __init__(self, user: bytes, sent: list[str]) -> None:
        self.user = user
        self.sent = sent

    def receivedHeader(self, helo: Any, origin: Any, recipients: Any) -> bytes:
        """
        Stamp a letter.
        """
        return self.user

    def validateFrom(self, helo: Any, origin: Any) -> Any:
        """
        Accept any sender.
        """
        return origin

    def validateTo(self, user: Any) -> Callable[[], Letter]:
        """
        Accept any recipient.
        """
        return lambda: Letter(self.sent)


class SMTPCramMD5Tests(PasswordTests, LoginTestCase):
    """
    Tests for logging in to send mail, without sending the password.
    """

    wrong = "535, b'Authentication failed'"
    unavailable = "451"
    mechanism = "cram_md5"

    def makeFactory(self, checker: Any) -> Factory:
        """
        Take letters of those who have logged in.
        """
        self.sent: list[str] = []
        realm = Realm(smtp.IMessageDelivery, lambda user: Delivery(user, self.sent))

        def build() -> smtp.ESMTP:
            protocol = smtp.ESMTP()
            protocol.challengers = {
                b"CRAM-MD5": credentials.CramMD5Credentials,
                b"LOGIN": imap4.LOGINCredentials,
            }
            return protocol

        return PortalFactory(build, self.makePortal(realm, checker))

    def logIn(self, name: str, password: str) -> str:
        """
        Log in, and send a letter.
        """
        with smtplib.SMTP("127.0.0.1", self.port, "localhost", PATIENCE) as client:
            client.ehlo()
            client.user, client.password = name, password
            method = getattr(client, f"auth_{self.mechanism}")
            try:
                client.auth(self.mechanism.upper().replace("_", "-"), method)
            except smtplib.SMTPAuthenticationError as error:
                raise Refused(error)
            client.sendmail("a@example.org", "b@example.org", "Subject: x\r\n\r\nHi\r\n")
        return self.sent[-1]

    def test_withoutLogin(self) -> Deferred[None]:
        """
        Who doesn't log in can't send mail.
        """

        def send() -> None:
            with smtplib.SMTP("127.0.0.1", self.port, "localhost", PATIENCE) as client:
                client.sendmail("a@example.org", "b@example.org", "Hi\r\n")

        sending = deferToThread(send)
        return self.assertFailure(sending, smtplib.SMTPSenderRefused)


class SMTPLoginTests(SMTPCramMD5Tests):
    """
    Tests for logging in to send mail with AUTH LOGIN.
    """

    mechanism = "login"


class FTPTests(PasswordTests, LoginTestCase):
    """
    Tests for FTP, which hands over names and passwords as text, and whose realm
    finds home directories by such names.
    """

    wrong = "530 Sorry, Authentication failed"
    unavailable = "550 "

    def makeFactory(self, checker: Any) -> FTPFactory:
        """
        Serve home directories.
        """
        homes = FilePath(self.mktemp())
        for name in ("alice", "bob"):
            homes.child(name).makedirs()
            homes.child(name).child(f"of-{name}.txt").setContent(name.encode("ascii"))
        anonymous = homes.child("public")
        anonymous.makedirs()
        self.realm = NotingFTPRealm(anonymous.path, homes.path)
        return FTPFactory(self.makePortal(self.realm, checker))

    def logIn(self, name: str, password: str) -> str:
        """
        Log in, list the home directory, and read the file in it.
        """
        with FTPClient(timeout=PATIENCE) as client:
            client.connect("127.0.0.1", self.port)
            # The library's login() would leave out an empty password.
            try:
                client.sendcmd(f"USER {name}")
                client.sendcmd(f"PASS {password}")
            except FTPRefused as error:
                raise Refused(error)
            listing: list[str] = []
            client.retrlines("LIST", listing.append)
            (file,) = [line.split()[-1] for line in listing]
            content: list[bytes] = []
            client.retrbinary(f"RETR {file}", content.append)
            return b"".join(content).decode("ascii")

    @inlineCallbacks
    def test_nameIsText(self) -> Any:
        """
        The realm is given the name as text, of which Twisted's realm for the
        users of the system, for one, makes the name of a home directory.
        """
        yield self.attempt("alice", "sesame")
        self.assertEqual(self.realm.names, ["alice"])


class Perspective(pb.Avatar):
    """
    A user over Perspective Broker.
    """

    def __init__(self, user: bytes) -> None:
        self.user = user

    def perspective_whoAmI(self) -> str:
        """
        Tell the name.
        """
        return self.user.decode("ascii")


class PBTests(PasswordTests, LoginTestCase):
    """
    Tests for logging in over Perspective Broker.
    """

    wrong = "^twisted.cred.error.UnauthorizedLogin"
    unavailable = "^mycred.error.TemporaryFailure"
    throttled = "^mycred.error.Throttled"

    def makeFactory(self, checker: Any) -> pb.PBServerFactory:
        """
        Serve perspectives.
        """
        return pb.PBServerFactory(
            self.makePortal(Realm(pb.IPerspective, Perspective), checker)
        )

    def connect(self) -> tuple[pb.PBClientFactory, Any]:
        """
        Connect to the server.
        """
        factory = pb.PBClientFactory()
        factory.noisy = False
        return factory, reactor.connectTCP("127.0.0.1", self.port, factory, PATIENCE)

    @inlineCallbacks
    def attempt(self, name: str, password: str) -> Any:
        """
        Log in, and ask for the name.
        """
        factory, connector = self.connect()
        typed = credentials.UsernamePassword(name.encode(), password.encode())
        try:
            perspective = yield factory.login(typed)
            return (yield perspective.callRemote("whoAmI"))
        except Exception as error:
            remote = getattr(error, "remoteType", None)
            qualified = f"{type(error).__module__}.{type(error).__qualname__}".encode()
            raise Refused((remote or qualified).decode("ascii"))
        finally:
            connector.disconnect()

    @inlineCallbacks
    def test_clientCatches(self) -> Any:
        """
        What a client with a wrong password sees is the error that Twisted's
        clients catch.
        """
        factory, connector = self.connect()
        login = factory.login(credentials.UsernamePassword(b"alice", b"wrong"))
        failures: list[Failure] = []
        yield login.addErrback(failures.append)
        connector.disconnect()
        self.flushLoggedErrors(UnauthorizedLogin)
        self.assertTrue(failures[0].check(twistedError.UnauthorizedLogin))


class WebTests(PasswordTests):
    """
    Base of the tests for the guard of web pages.
    """

    wrong = "401"
    unavailable = "401"

    def makeFactory(self, checker: Any) -> Site:
        """
        Serve a page for each user.
        """
        portal = self.makePortal(Realm(IResource, self.makePage), checker)
        return Site(HTTPAuthSessionWrapper(portal, [self.makeCredentialFactory()]))

    def makePage(self, user: bytes) -> Data:
        """
        Make the page at C{/} of a user.
        """
        page = Data(user, "text/plain")
        page.isLeaf = True
        return page

    def makeCredentialFactory(self) -> Any:
        """
        Make what asks for credentials.
        """
        raise NotImplementedError

    def get(self, authorization: str | None = None) -> Any:
        """
        Ask for the page, as a client that waits.

        @return: the answer of the server, and the page.
        """
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {} if authorization is None else {"Authorization": authorization}
        try:
            connection.request("GET", "/", headers=headers)
            answer = connection.getresponse()
            return answer, answer.read().decode("ascii")
        finally:
            connection.close()

    def read(self, authorization: str) -> str:
        """
        Ask for the page.

        @raise Refused: if it isn't shown.
        """
        answer, page = self.get(authorization)
        if answer.status != 200:
            raise Refused(answer.status)
        return page


class WebBasicTests(WebTests, LoginTestCase):
    """
    Tests for HTTP Basic authentication.
    """

    def makeCredentialFactory(self) -> BasicCredentialFactory:
        """
        Make Twisted's factory.
        """
        return BasicCredentialFactory("mail")

    def logIn(self, name: str, password: str) -> str:
        """
        Send name and password.
        """
        token = b64encode(f"{name}:{password}".encode("ascii")).decode("ascii")
        return self.read(f"Basic {token}")


class WebDigestTests(WebTests, LoginTestCase):
    """
    Tests for HTTP Digest authentication with MD5.
    """

    algorithm = "MD5"
    hash = staticmethod(hashlib.md5)

    def makeCredentialFactory(self) -> DigestCredentialFactory:
        """
        Have Twisted's guard ask with mycred's challenges.
        """
        algorithm = self.algorithm.encode("ascii")
        factory = DigestCredentialFactory(algorithm, b"mail")
        factory.digest = credentials.DigestCredentialFactory(algorithm, b"mail")
        return factory

    def answerChallenge(self, name: str, password: str) -> str:
        """
        Compute the answer to a fresh challenge, as RFC 7616 has it.
        """
        scheme, _, rest = self.get()[0].headers["WWW-Authenticate"].partition(" ")
        challenge = parse_keqv_list(parse_http_list(rest))
        self.assertEqual(scheme, "digest")
        self.assertEqual(challenge["algorithm"], self.algorithm)
        nonce = challenge["nonce"]
        ha1 = self._hex(f"{name}:{challenge['realm']}:{password}")
        ha2 = self._hex("GET:/")
        response = self._hex(f"{ha1}:{nonce}:00000001:c1:auth:{ha2}")
        return (
            f'Digest username="{name}", realm="{challenge["realm"]}", nonce="{nonce}", '
            f'uri="/", algorithm={self.algorithm}, response="{response}", qop=auth, '
            f'nc=00000001, cnonce="c1", opaque="{challenge["opaque"]}"'
        )

    def _hex(self, text: str) -> str:
        """
        Hash a text.
        """
        return self.hash(text.encode("ascii")).hexdigest()

    def logIn(self, name: str, password: str) -> str:
        """
        Answer a challenge.
        """
        return self.read(self.answerChallenge(name, password))

    @inlineCallbacks
    def test_replay(self) -> Any:
        """
        A client that repeats an answer of another is refused.
        """
        answer = yield deferToThread(self.answerChallenge, "alice", "sesame")
        self.assertEqual((yield deferToThread(self.read, answer)), "alice")
        again = deferToThread(self.read, answer)
        refused = yield self.assertFailure(again, Refused)
        self.assertEqual(refused.answer, "401")


class WebDigestSHA256Tests(WebDigestTests):
    """
    Tests for HTTP Digest authentication with SHA-256.
    """

    algorithm = "SHA-256"
    hash = staticmethod(hashlib.sha256)


class IRCTests(PasswordTests, LoginTestCase):
    """
    Tests for logging in to a chat over IRC, which hands over text.
    """

    wrong = "Login failed"
    unavailable = "Server error during login"

    def makeFactory(self, checker: Any) -> IRCFactory:
        """
        Serve a chat.
        """
        realm = InMemoryWordsRealm("chat")
        realm.createUserOnRequest = True
        return IRCFactory(realm, self.makePortal(realm, checker))

    def logIn(self, name: str, password: str) -> str:
        """
        Say PASS and NICK, and wait for the welcome or the end.
        """
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            connection.sendall(f"PASS :{password}\r\nNICK {name}\r\n".encode("ascii"))
            with connection.makefile("r", encoding="utf-8", newline="\r\n") as lines:
                heard = []
                for line in lines:
                    heard.append(line)
                    words = line.split()
                    if words[1] == "001":
                        return words[2]
        raise Refused("".join(heard))
