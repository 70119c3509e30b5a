"""Which addresses and ports Services get: `ServiceAllocator` around the write of a Service.

    async with allocator.for_create(document, dry_run=False):     # fills clusterIP(s), ipFamilies, nodePorts
        ...validate, write...                                     # if this fails, everything is free again

    10.96.0.0/12   .1            the `kubernetes` Service
                   .2 - .256     whoever asks for one by name, such as DNS for 10.96.0.10
                   the rest      the others, at random; the first band only when this one is full
    30000-32767    30000-30085   asked for by number;     30086-32767   at random

What is taken is what the Services say, plus what writes under way have been given: there is no second record that
could disagree. Nothing here waits between looking and reserving, so one process never gives anything twice. IPAddress
objects show it to whoever asks, and follow (`ip_addresses`); those that others made keep their addresses from Services.
"""

from __future__ import annotations

from controlplane.apiserver.allocation.ip_addresses import IpAddressKeeper
from controlplane.apiserver.allocation.ranges import AddressRange, PortRange
from controlplane.apiserver.allocation.services import ServiceAllocator

__all__ = ["AddressRange", "IpAddressKeeper", "PortRange", "ServiceAllocator"]
