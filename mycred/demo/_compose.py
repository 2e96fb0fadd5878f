"""
Messages that the server itself composes.
"""

from __future__ import annotations

from email import (
    # They would be imported at the first login, when twistd may be somebody (--uid)
    # who can't read where Python is.
    generator as generator,
    policy as policy,
)
from email.message import EmailMessage
from email.utils import formatdate

#: What the first message of a mailbox says.
WELCOME = """\
This mailbox is yours.
It is the same one over POP3, IMAP4, Perspective Broker, HTTP and SSH.
"""


def compose(sender: bytes, recipient: bytes, subject: str, text: str) -> bytes:
    """
    Compose a message.
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
    Spell a user's address so that no name can break out of its header.
    """
    name = user.decode("utf-8", "replace")
    safe = "".join(c if c.isalnum() or c in "._-+" else "_" for c in name)
    return f"<{safe}@localhost>"


__all__ = ["WELCOME", "compose"]
