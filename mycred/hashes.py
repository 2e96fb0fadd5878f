"""
Stored hashes of passwords: verify one, make one, tell what one is.

Any hash that C{--auth=htpasswd} knows will do: bcrypt, argon2, what the system's
crypt(3) knows, MD5 of Apache's kind, and what LDAP directories and Dovecot write::

    >>> from mycred import hashes
    >>> stored = hashes.make("sesame", cost=4)
    >>> stored[:7]
    b'$2y$04$'
    >>> hashes.verify(stored, "sesame"), hashes.verify(stored, "tulip")
    (True, False)

What isn't a whole hash matches nothing, not even itself::

    >>> hashes.verify("sesame", "sesame")
    False
    >>> hashes.recognize("$2y$04$tulip")
    Traceback (most recent call last):
    ...
    UnusableHash: a damaged hash (bcrypt)

L{recognize} tells what a file holds before anybody logs in::

    >>> found = hashes.recognize("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=")
    >>> found.scheme.name, found.scheme.weakness is None, found.verify(b"password")
    ('SHA-1', False, True)

To verify and to make a hash takes a processor for a while, on purpose.  In a server, let
L{Workers<mycred.workers.Workers>} do it, so that the reactor doesn't wait; subclasses of
L{PasswordChecker<mycred.checkers.PasswordChecker>} needn't do anything for that.
"""

from ._hashes import Hash, UnusableHash, make, recognize, verify
from ._scram import ScramKeys

__all__ = ["Hash", "ScramKeys", "UnusableHash", "make", "recognize", "verify"]
