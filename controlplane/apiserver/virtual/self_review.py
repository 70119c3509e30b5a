"""SelfSubjectReview: who am I? (`kubectl auth whoami`)"""

from __future__ import annotations

import msgspec

from controlplane.api.codec import Document
from controlplane.apiserver.virtual.dependencies import Dependencies, Handler, answered, user_info
from controlplane.auth.interface import User
from controlplane.kit.timestamps import format_time


def handler(dependencies: Dependencies) -> Handler:
    async def handle(document: Document, user: User, namespace: str, name: str) -> Document:
        created = format_time(dependencies.clock.now())
        named = {**document, "metadata": {**(document.get("metadata") or {}), "creationTimestamp": created}}
        return answered(named, {"userInfo": msgspec.to_builtins(user_info(user))})

    return handle
