"""
An LDAP client for logins: connections to servers, the messages sent over them, and which
server is asked.
"""
