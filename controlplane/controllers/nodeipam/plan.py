"""Which ranges are free: pure arithmetic on networks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network

# Upstream's defaults, in bits.
MASK_SIZE = {4: 24, 6: 64}
# The most ranges one cluster CIDR is cut into: 2 to this power. Upstream's limit, which keeps a typing error harmless.
_MOST_BITS = 16


class NoRangeLeft(Exception):
    """Every range of a cluster CIDR is taken."""


class Misconfigured(ValueError):
    """The cluster CIDR cannot be cut as asked."""


class Ranges:
    """One cluster CIDR, cut into equal ranges, each free or taken."""

    def __init__(self, cluster: Network, mask_size: int):
        if mask_size < cluster.prefixlen:
            raise Misconfigured(f"a node's /{mask_size} does not fit into the cluster's {cluster}")
        if mask_size - cluster.prefixlen > _MOST_BITS:
            raise Misconfigured(f"{cluster} in ranges of /{mask_size} is more than 2**{_MOST_BITS} nodes")
        self.cluster, self._mask_size = cluster, mask_size
        self._count = 1 << (mask_size - cluster.prefixlen)
        self._step = 1 << (cluster.max_prefixlen - mask_size)
        self._taken: set[int] = set()
        self._next = 0  # go round rather than back, so that a deleted node's range rests for a while

    def occupy(self, network: Network) -> None:
        """Mark what overlaps `network` as taken; networks elsewhere are nobody's business here."""
        self._taken.update(self._indexes(network))

    def free(self, network: Network) -> None:
        self._taken.difference_update(self._indexes(network))

    def allocate(self) -> Network:
        """Take the next free range. Raises NoRangeLeft."""
        for offset in range(self._count):
            index = (self._next + offset) % self._count
            if index not in self._taken:
                self._taken.add(index)
                self._next = (index + 1) % self._count
                return self._network(index)
        raise NoRangeLeft(f"no range of /{self._mask_size} is left in {self.cluster}")

    def _network(self, index: int) -> Network:
        address = self.cluster.network_address + index * self._step
        return ip_network((address, self._mask_size))

    def _indexes(self, network: Network) -> Iterable[int]:
        if network.version != self.cluster.version or not network.overlaps(self.cluster):
            return ()
        base = int(self.cluster.network_address)
        first = max(0, (int(network.network_address) - base) // self._step)
        last = min(self._count - 1, (int(network.broadcast_address) - base) // self._step)
        return range(first, last + 1)


class Allocator:
    """All cluster CIDRs together: a node gets one range of each."""

    def __init__(self, clusters: Sequence[Network], mask_sizes: dict[int, int], reserved: Iterable[Network] = ()):
        self._ranges = [Ranges(cluster, mask_sizes[cluster.version]) for cluster in clusters]
        for network in reserved:  # the Services' range may lie within the pods'
            self.occupy([str(network)])

    def occupy(self, cidrs: Iterable[str]) -> None:
        for cidr in cidrs:
            for ranges in self._ranges:
                ranges.occupy(ip_network(cidr, strict=False))

    def free(self, cidrs: Iterable[str]) -> None:
        for cidr in cidrs:
            for ranges in self._ranges:
                ranges.free(ip_network(cidr, strict=False))

    def allocate(self) -> list[str]:
        """Take one range of each cluster CIDR, or none. Raises NoRangeLeft."""
        taken: list[str] = []
        try:
            taken.extend(str(ranges.allocate()) for ranges in self._ranges)
        except NoRangeLeft:
            self.free(taken)
            raise
        return taken
