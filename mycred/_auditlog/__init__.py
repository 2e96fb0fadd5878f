"""
Where events of logins go besides the log: lines, JSON, syslog.
"""
