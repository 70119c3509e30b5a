"""One request on its way through the server, with all that is known about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from controlplane.apiserver.messages import Request
from controlplane.apiserver.negotiation import JSON, PROTOBUF, YAML, Representation, negotiate, not_acceptable
from controlplane.apiserver.request_info import RequestInfo
from controlplane.auth.interface import User

if TYPE_CHECKING:
    from controlplane.apiserver.backend import Backend
    from controlplane.apiserver.storage import ResourceStorage


def _nobody_waits() -> None:
    pass


@dataclass(slots=True)
class Call:
    """What a handler is given."""

    backend: Backend
    request: Request
    info: RequestInfo
    user: User
    warnings: list[str] = field(default_factory=list)  # sent as Warning headers
    trace: str = ""  # the caller's W3C trace context, which links a write to its cause
    initialized: Callable[[], None] = _nobody_waits  # a watch says so when it has sent what was there at its beginning
    annotations: dict[str, str] = field(default_factory=dict)  # what admission would have the audit log say
    _storage: ResourceStorage | None = field(default=None, init=False)

    @property
    def storage(self) -> ResourceStorage:
        """The resource asked for; a question, which is never stored, has none.

        It stays the one that was found first, even if the resource is served in another way before the call ends.
        """
        if self._storage is None:
            self._storage = self.backend.storage(self.info.group, self.info.version, self.info.resource)
        return self._storage

    def manager(self, named: str) -> str:
        """Return who manages the fields that are written: as named, else the program's name, as upstream has it."""
        return named or self.request.headers.get("User-Agent", "").partition("/")[0][:128]

    def accepts(self, *forms: str) -> Representation:
        """Return how to answer, an object taking the given `forms` besides its own. Raises NotAcceptable."""
        shown = negotiate(self.request.headers.get("Accept", ""), forms)
        if shown.media_type == PROTOBUF and not shown.form and not self._has_message():
            raise not_acceptable((JSON, YAML))
        return shown

    def _has_message(self) -> bool:
        """Return whether the objects asked for, if there are any, can be sent as protobuf."""
        from controlplane.api.protobuf import has_message

        info = self.info
        resource = self.backend.catalog.resources.get((info.group, info.version, info.resource))
        if resource is None or info.subresource == "scale":
            return True
        return has_message(resource.api_version, resource.kind)
