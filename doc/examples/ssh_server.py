"""
An SSH server that answers every command with the key by which the user has logged in.
"""

from zope.interface import implementer

from twisted.conch.avatar import ConchUser
from twisted.conch.interfaces import IConchUser, ISession
from twisted.conch.ssh.session import SSHSession
from twisted.internet.error import ProcessDone
from twisted.python.components import registerAdapter
from twisted.python.failure import Failure

from mycred.checkers.sshkeys import SSHPublicKeyChecker, UNIXAuthorizedKeysFiles, keyOf
from mycred.conch import SSHFactory, hostKeyIn
from mycred.portal import IRealm, Portal


class User(ConchUser):
    def __init__(self, name, key):
        super().__init__()
        self.name = name
        self.key = key
        self.channelLookup[b"session"] = SSHSession


@implementer(ISession)
class Session:
    def __init__(self, user):
        self.user = user

    def execCommand(self, proto, command):
        proto.makeConnection(self)
        text = f"{self.user.name} by {self.user.key.fingerprint}: {command!r}\n"
        proto.outReceived(text.encode())
        proto.processEnded(Failure(ProcessDone(0)))

    def write(self, data):
        """Ignore what the client types."""

    def loseConnection(self):
        """Nothing needs to be ended."""

    def eofReceived(self):
        """Nothing is waited for."""

    closed = eofReceived


registerAdapter(Session, User, ISession)


@implementer(IRealm)
class Realm:
    def requestAvatar(self, avatarId, mind, *interfaces):
        user = User(avatarId.decode(), keyOf(avatarId))
        return IConchUser, user, lambda: None


def makeFactory(files, hostKey):
    """
    @param files: paths of files with keys, such as C{/etc/myapp/keys/%u}.
    @param hostKey: the path of the host key, which is made if it is missing.
    """
    checker = SSHPublicKeyChecker(UNIXAuthorizedKeysFiles(files=files))
    return SSHFactory(Portal(Realm(), [checker]), [hostKeyIn(hostKey)])
