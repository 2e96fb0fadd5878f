"""
TLS of servers: their certificate, those of clients, and proxies that stand before them.

Any Twisted server listens at the endpoint C{mtls:}::

    twistd web --listen=mtls:443:privateKey=key.pem:certKey=cert.pem --path=/srv/www

The same options are for STARTTLS, in a program of your own::

    contextFactory = TLSOptions("key.pem", "cert.pem").contextFactory()
    transport.startTLS(contextFactory)

A file is read again when it differs: a certificate that is renewed, and a list of what is
revoked, count for the next client.
"""

from ._tls._endpoint import TLSEndpointParser
from ._tls._settings import TLSOptions
from ._tls._starttls import upToDate

__all__ = ["TLSEndpointParser", "TLSOptions", "upToDate"]
