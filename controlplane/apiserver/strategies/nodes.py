"""Nodes register themselves with their status; after that only the status subresource writes it."""

from __future__ import annotations

from typing import ClassVar

from controlplane.apiserver.strategies.base import Strategy


class NodeStrategy(Strategy):
    keeps_status: ClassVar[bool] = True
