"""
SCRAM (U{RFC 5802<https://www.rfc-editor.org/rfc/rfc5802>}, U{RFC 7677
<https://www.rfc-editor.org/rfc/rfc7677>}): the keys that a server stores, and the
messages of one login.
"""

from ._exchange import ClientFirst, NotProved, ScramExchange
from ._keys import HASHES, NAMES, ScramKeys, mechanismOf
from ._madeup import madeUpKeys, madeUpSalt
from ._names import SASLNAME, sentName, unescapedName
from ._saslprep import prepared, saslprep
from ._stored import DOVECOT, MOST_ITERATIONS, POSTGRESQL, isAbsurd, keysIn, written

__all__ = [
    "DOVECOT",
    "HASHES",
    "MOST_ITERATIONS",
    "NAMES",
    "POSTGRESQL",
    "SASLNAME",
    "ClientFirst",
    "NotProved",
    "ScramExchange",
    "ScramKeys",
    "isAbsurd",
    "keysIn",
    "madeUpKeys",
    "madeUpSalt",
    "mechanismOf",
    "prepared",
    "saslprep",
    "sentName",
    "unescapedName",
    "written",
]
