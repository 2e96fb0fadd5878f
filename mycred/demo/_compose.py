"""
Compose the messages that the server itself sends.
"""

from __future__ import annotations

from email import (
    # Otherwise they are imported at the first login, when twistd may have become a user
    # (--uid) who can't read Python's directories.
    generator as generator,
    policy as policy,
)
from email.message import EmailMessage
from email.utils import formatdate

#: The text of the first message in a mailbox.
WELCOME = """\
This mailbox is yours.
It is the same one over POP3, IMAP4, Perspective Broker, HTTP and SSH.
"""


def compose(sender: bytes, recipient: bytes, subject: str, text: str) -> bytes:
    """
    Return the source of a message.
    """
    message = EmailMessage()
    message["From"] = _address(sender)
    message["To"] = _address(recipient)
    message["Date"] = formatdate()
    message["Subject"] = subject
    message.set_content(text)
    return message.as_bytes()


def _address(user: bytes) -> str:
    """
    Return a user's address, spelled so that no name can break out of its header.
    """
    name = user.decode("utf-8", "replace")
    safe = "".join(c if c.isalnum() or c in "._-+" else "_" for c in name)
    return f"<{safe}@localhost>"


__all__ = ["WELCOME", "compose"]
