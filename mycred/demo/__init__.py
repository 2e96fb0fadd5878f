"""
The example server: one mailbox behind POP3, IMAP4, SMTP, PB, HTTP and SSH.

C{twistd myapp --auth=file:/etc/myapp/passwd} starts it.  Twisted's own protocol
classes do the talking, each with a reference to a portal and to nothing else; a
realm answers with a view of the user's mailbox; the accounts are chosen on the
command line.

Read L{mycred.demo._service} first, which ties these together, then
L{mycred.demo._realm} and a protocol, such as L{mycred.demo._pb}.
"""

from ._options import Options
from ._service import makeService

__all__ = ["Options", "makeService"]
