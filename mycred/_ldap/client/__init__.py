"""
A client of LDAP for logins: connections to servers, what goes over them, and which
server is asked.
"""
