"""
What stands around checkers, in any Twisted program: a throttle, a cache, an audit log and
metrics.

::

    stack = CheckerStack(
        [HtpasswdChecker("/etc/myapp/users")],
        throttle=Throttle(ProcessState(reactor)),
    )
    portal = Portal(realm, [stack])

C{--auth=stack:/etc/mycred/login.ini} is the same for deployers.
"""

from ._audit import LoginEvent
from ._auditlog import AuditFile, AuditLog, AuditSyslog
from ._stack import CheckerStack, LoginCache, Throttle
from ._stackfile import SECTIONS as stackSections, readStack
from ._state import ProcessState

__all__ = [
    "AuditFile",
    "AuditLog",
    "AuditSyslog",
    "CheckerStack",
    "LoginCache",
    "LoginEvent",
    "ProcessState",
    "Throttle",
    "readStack",
    "stackSections",
]
