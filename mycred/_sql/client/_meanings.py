"""
What the errors of databases mean.

An outage is never a name that doesn't exist, and no name is an outage: what isn't listed
here is a fault of the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..._failover import Elsewhere, Fault, Lost
from ._errors import BadRow, BadStatement, BadValue, Conflict, Refused

Meaning = Callable[[str], Exception]

# PostgreSQL's: https://www.postgresql.org/docs/current/errcodes-appendix.html
# The longest beginning of a code counts.
_SQLSTATES: Mapping[str, Meaning] = {
    "08": Lost,
    "0A": BadStatement,
    "22": BadValue,
    "23": BadValue,
    # The transaction is read-only: this is a standby.
    "25006": Elsewhere,
    # The server ends sessions that are idle.
    "25P03": Lost,
    "26": BadStatement,
    "28": Refused,
    "2F": BadStatement,
    "34": BadStatement,
    "3D": Refused,
    "3F": BadStatement,
    "40": Conflict,
    "40003": Lost,
    "42": BadStatement,
    "44": BadValue,
    # Memory, disk, connections.
    "53": Elsewhere,
    # Too complex.
    "54": BadStatement,
    "55": BadStatement,
    "55P03": Conflict,
    # Cancelled, by an administrator or by the server's own time-out.
    "57014": Elsewhere,
    "57P": Lost,
    "P0": BadStatement,
}

# MariaDB's: https://mariadb.com/kb/en/mariadb-error-code-reference/
# MySQL's: https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
_NUMBERS: Mapping[Meaning, Iterable[int]] = {
    Lost: {
        *(0, 1053, 1077, 1078, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1184, 1927),
        *(2000, 2006, 2013, 2014, 2027, 2055, 4031),
    },
    # Memory, disk, connections; read-only; cancelled, or the server's own time-out.
    Elsewhere: {
        *(1021, 1037, 1038, 1040, 1041, 1114, 1135, 1203, 1226, 1290, 1317, 1792, 1836),
        *(1969, 3024),
    },
    Refused: {1044, 1045, 1049, 1130, 1251, 1698, 2059, 3118, 3159},
    Conflict: {1020, 1205, 1213, 1615, 3572},
    BadValue: {
        # Characters that a column can't hold, or that can't be compared with it.
        *(1267, 1270, 1271, 1300, 1366, 1977, 3854),
        # Too long, out of range, or no date, number ...
        *(1153, 1162, 1264, 1265, 1292, 1301, 1406, 1411, 1441, 1525, 1690),
        # Constraints.
        *(1022, 1048, 1062, 1169, 1216, 1217, 1364, 1451, 1452, 1557, 1586, 3819, 4025),
    },
    BadStatement: {
        # Syntax.
        *(1064, 1065, 1149, 1235, 1295),
        # Databases, tables, columns, functions that are missing or meant in two ways.
        *(1046, 1051, 1052, 1054, 1060, 1066, 1109, 1146, 1247, 1305, 1356, 1449, 1630),
        # What columns are compared, counted and grouped.
        *(1055, 1056, 1058, 1110, 1111, 1136, 1140, 1221, 1222, 1241, 1242, 1318, 1582),
        # Permissions.
        *(1142, 1143, 1227, 1345, 1370, 1410),
    },
}
_BY_NUMBER = {number: kind for kind, numbers in _NUMBERS.items() for number in numbers}

# SQLite's: https://www.sqlite.org/rescode.html
_RESULTS: Mapping[str, Meaning] = {
    "SQLITE_AUTH": BadStatement,
    "SQLITE_BUSY": Conflict,
    "SQLITE_CANTOPEN": Refused,
    "SQLITE_CONSTRAINT": BadValue,
    "SQLITE_ERROR": BadStatement,
    "SQLITE_LOCKED": Conflict,
    "SQLITE_MISMATCH": BadValue,
    "SQLITE_NOTADB": Refused,
    "SQLITE_PERM": Refused,
    "SQLITE_PROTOCOL": Conflict,
    "SQLITE_RANGE": BadStatement,
    "SQLITE_READONLY": Elsewhere,
    "SQLITE_SCHEMA": Conflict,
    "SQLITE_TOOBIG": BadValue,
}

# Python 3.10 has only the texts.
_TEXTS = {
    "attempt to write a readonly database": "SQLITE_READONLY",
    "database disk image is malformed": "SQLITE_CORRUPT",
    "database is locked": "SQLITE_BUSY",
    "database or disk is full": "SQLITE_FULL",
    "database schema is locked": "SQLITE_LOCKED",
    "database table is locked": "SQLITE_LOCKED",
    "disk I/O error": "SQLITE_IOERR",
    "file is not a database": "SQLITE_NOTADB",
    "interrupted": "SQLITE_INTERRUPT",
    "locking protocol": "SQLITE_PROTOCOL",
    "out of memory": "SQLITE_NOMEM",
    "unable to open database file": "SQLITE_CANTOPEN",
}

# By the name of the class (PEP 249), where a driver tells no code.
_CLASSES: Mapping[str, Meaning] = {
    "DataError": BadValue,
    "IntegrityError": BadValue,
    "InterfaceError": Lost,
    "NotSupportedError": BadStatement,
    "OperationalError": Lost,
    "ProgrammingError": BadStatement,
}


def byClass(error: Exception) -> Meaning:
    """
    Return what an error means by its class alone.
    """
    if isinstance(error, (UnicodeEncodeError, OverflowError)):
        return BadValue
    if isinstance(error, (ValueError, RecursionError)):
        # Drivers parse what comes.
        return BadRow
    for each in type(error).__mro__:
        if each.__name__ in _CLASSES:
            return _CLASSES[each.__name__]
    return Fault


def bySQLState(error: Exception) -> Meaning:
    """
    Return what an error of PostgreSQL's means, from any of its drivers.
    """
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if state is None and error.args and isinstance(error.args[0], dict):
        # As pg8000 has it: the fields of the server's message, by their letters.
        state = error.args[0].get("C")
    if not isinstance(state, str):
        # It isn't from the server, which knows best what a value is.
        isOfRow = type(error).__name__ == "DataError"
        return BadRow if isOfRow else byClass(error)
    return _byBeginning(_SQLSTATES, state, (5, 3, 2))


def byNumber(error: Exception) -> Meaning:
    """
    Return what an error of MySQL's or MariaDB's means.
    """
    number: Any = error.args[0] if error.args else None
    if not isinstance(number, int):
        return byClass(error)
    kind = byClass(error)
    # An OperationalError is what PyMySQL makes of every number that it doesn't know.
    return _BY_NUMBER.get(number, Fault if kind is Lost else kind)


def byResult(error: Exception) -> Meaning:
    """
    Return what an error of SQLite's means.
    """
    if type(error).__name__ == "Warning":
        # Python 3.10: there is more than one statement.
        return BadStatement
    name = getattr(error, "sqlite_errorname", None)
    if not isinstance(name, str):
        kind = byClass(error)
        if kind is not Lost:
            name = _TEXTS.get(str(error))
            return _RESULTS.get(name, Fault) if name else kind
        name = _TEXTS.get(str(error), "SQLITE_ERROR")
    # Extended codes go on after an underscore.
    words = name.split("_")
    return _RESULTS.get("_".join(words[:2]), Fault)


def _byBeginning(
    table: Mapping[str, Meaning], code: str, lengths: Iterable[int]
) -> Meaning:
    """
    Return what stands in a table for the beginning of a code.

    @param lengths: how long beginnings are, the longest first.
    """
    for length in lengths:
        if code[:length] in table:
            return table[code[:length]]
    return Fault


__all__ = ["Meaning", "byClass", "byNumber", "byResult", "bySQLState"]
