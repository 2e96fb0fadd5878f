"""
Twisted's mail servers, in which users log in by whatever the checkers can serve.

L{IMAP4Server}, L{POP3} and L{ESMTP} take the place of the classes of the same names in
L{twisted.mail.imap4}, L{twisted.mail.pop3} and L{twisted.mail.smtp}, which they extend.
They offer every mechanism of SASL (RFC 4422) that the portal's checkers can serve over a
connection, and no other; passwords in the clear only where nobody else can read them; and
STARTTLS, over POP3 too.

As in Twisted: importing this installs the reactor, since L{twisted.mail.smtp} does.
"""

from ._esmtp import ESMTP
from ._imap4 import IMAP4Server
from ._pop3 import POP3

__all__ = ["ESMTP", "POP3", "IMAP4Server"]
