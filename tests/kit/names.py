"""
The public names of mycred.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType
from typing import Any

import mycred


def publicModules() -> Iterator[ModuleType]:
    """
    Return every module of mycred that others may import.
    """
    yield mycred
    for found in walk_packages(mycred.__path__, "mycred."):
        if not any(part.startswith("_") for part in found.name.split(".")):
            yield import_module(found.name)


def quietly(module: ModuleType, name: str) -> Any:
    """
    Return what a name stands for, which may be deprecated.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return getattr(module, name)
