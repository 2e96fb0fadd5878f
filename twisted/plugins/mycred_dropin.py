"""
What mycred adds to Twisted's own registries: the example server, C{twistd
myapp}.
"""

from twisted.application.service import ServiceMaker

myapp = ServiceMaker(
    "mycred's example server",
    "mycred.demo",
    "One mailbox behind POP3, IMAP4, PB and HTTP, with the accounts that --auth names.",
    "myapp",
)
