"""Modules that are imported when something of theirs is first used, for libraries that many processes never need.

    if TYPE_CHECKING:
        import aiohttp
    else:
        aiohttp = LateModule("aiohttp")

The file below those lines reads as with any other import, as long as it uses the module within functions only.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class LateModule:
    """Looks like a module, and is imported when one of its names is first looked up."""

    def __init__(self, name: str):
        self.__name__ = name

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(import_module(self.__name__), attribute)
        setattr(self, attribute, value)  # found without us from now on
        return value
