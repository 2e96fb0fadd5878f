"""
The examples of the documentation.
"""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import mycred

ROOT = Path(mycred.__file__).resolve().parents[1]

EXAMPLES = ROOT / "doc" / "examples"


def load(name: str) -> Any:
    """
    Return an example, imported.
    """
    qualified = f"{__name__}.{name}"
    if qualified not in sys.modules:
        spec = spec_from_file_location(qualified, EXAMPLES / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = sys.modules[qualified] = module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[qualified]
