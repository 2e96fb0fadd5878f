"""
Messages for users of this server, over SMTP.
"""

from ._outbox import Outbox

__all__ = ["Outbox"]
