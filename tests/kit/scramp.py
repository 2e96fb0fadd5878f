"""
scramp, the clients of SCRAM that others have written.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SkipTest


def scrampClient(mechanism: str, name: str, password: str, **options: Any) -> Any:
    """
    Return a client, of scramp's C{ScramClient}.

    @param options: what else that takes, such as C{channel_binding}.
    """
    try:
        from scramp import ScramClient
    except ImportError:
        raise SkipTest("install scramp from PyPI, with Python 3.11 or later") from None
    return ScramClient([mechanism], name, password, **options)


__all__ = ["scrampClient"]
