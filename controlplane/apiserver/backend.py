"""What the handlers share: storage, policy, time and chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from controlplane.admission.interface import Chain
from controlplane.apiserver.catalog import Catalog
from controlplane.apiserver.component_health import Components
from controlplane.apiserver.node_dialer import PREFERRED_ADDRESSES, NodeDialer
from controlplane.apiserver.proxying.dialer import Dialer, Nowhere
from controlplane.apiserver.storage import ResourceStorage
from controlplane.apiserver.usage.scraper import NodeScraper
from controlplane.apiserver.virtual import Handler
from controlplane.apiserver.watch_cache import WatchCache
from controlplane.auth.interface import Authorizer
from controlplane.kit.clock import Clock


@dataclass(frozen=True, slots=True)
class Backend:
    """Built once at start; handlers find everything here and keep nothing of their own."""

    clock: Clock
    random: Random
    cache: WatchCache
    catalog: Catalog
    admission: Chain
    authorizer: Authorizer
    virtual: Mapping[tuple[str, str, str], Handler]  # by group, version, plural[/subresource]
    nodes: NodeDialer
    components: Components
    usage: NodeScraper
    dialer: Dialer = field(default_factory=Nowhere)  # to pods, Services and extension API servers
    node_address_types: Sequence[str] = PREFERRED_ADDRESSES  # --kubelet-preferred-address-types
    shortest_watch: int = 1800  # seconds a watch lasts that does not say, and up to twice that: --min-request-timeout

    def storage(self, group: str, version: str, plural: str) -> ResourceStorage:
        return self.catalog.storages[group, version, plural]
