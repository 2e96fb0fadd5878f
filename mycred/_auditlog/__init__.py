"""
Where events of logins go besides the log: lines, JSON, syslog.
"""

from ._auditlog import AuditLog
from ._file import AuditFile
from ._options import auditOptions, makeAudit
from ._syslog import AuditSyslog

__all__ = ["AuditFile", "AuditLog", "AuditSyslog", "auditOptions", "makeAudit"]
