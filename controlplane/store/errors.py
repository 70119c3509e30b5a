"""What can go wrong with a store itself, rather than with one request to it."""

from __future__ import annotations

from controlplane.store.interface import StoreError


class StoreClosed(StoreError):
    """The store was closed while, or before, this was asked."""

    def __init__(self) -> None:
        super().__init__("the store is closed")


class StoreFull(StoreError):
    """The disk has no room for the write; nothing of it was kept."""


class StoreLocked(StoreError):
    """Another process has the store open."""


class StoreCorrupt(StoreError):
    """The file contradicts itself: restore a backup."""


class ForeignFile(StoreError):
    """The file is no store, or one that a newer version wrote."""


class StoreUnavailable(StoreError):
    """The store cannot be reached, or has no leader; a write may have been made nevertheless."""
