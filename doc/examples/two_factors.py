"""
An SSH server that wants a key and a password from every user.
"""

from mycred.checkers.sshkeys import SSHProtocolChecker
from mycred.conch import SSHFactory, hostKeyIn
from mycred.portal import Portal


class KeyAndPassword(SSHProtocolChecker):
    def areDone(self, avatarId):
        return len(self.successfulCredentials[avatarId]) == 2


def makeFactory(realm, keys, passwords, hostKey):
    """
    @param keys: a checker of keys.
    @param passwords: a checker of passwords.
    @param hostKey: the path of the host key, which is made if it is missing.
    """
    checker = KeyAndPassword()
    checker.registerChecker(keys)
    checker.registerChecker(passwords)
    # In place of conch's, which doesn't say which connection a login belongs to.
    return SSHFactory(Portal(realm, [checker]), [hostKeyIn(hostKey)])
