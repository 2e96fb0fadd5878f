"""
TLS of servers: files that are read again, clients' certificates, and proxies before it.

C{_settings} holds what a user writes, C{_server} and C{_clients} what the files mean,
C{_contexts} makes connections of it, and C{_endpoint} listens, with a C{_gate} for each
connection that comes.
"""
