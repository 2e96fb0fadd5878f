"""
Messages for users of this server, over SMTP.
"""

from ._factory import SMTPFactory, makeFactory
from ._outbox import IOutbox, Outbox

__all__ = ["IOutbox", "Outbox", "SMTPFactory", "makeFactory"]
