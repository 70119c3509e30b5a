"""metrics.k8s.io/v1beta1: what nodes and pods use now, as `kubectl top` and autoscalers read it.

Written by hand: the group is an add-on's upstream, and not in the description that the other types are made from.
"""

from __future__ import annotations

from typing import Annotated

from controlplane.api.base import KubeStruct, ListMap, Quantity, Time, always
from controlplane.api.meta_v1 import ObjectMeta

GROUP = "metrics.k8s.io"
VERSION = "v1beta1"


class ContainerMetrics(KubeStruct):
    name: str = always(str)
    usage: dict[str, Quantity] = always(dict)


class NodeMetrics(KubeStruct):
    """What a node uses; `window` is the time, as Go writes it, over which CPU was averaged until `timestamp`."""

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    timestamp: Time = always(str)
    window: str = always(str)
    usage: dict[str, Quantity] = always(dict)


class PodMetrics(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    timestamp: Time = always(str)
    window: str = always(str)
    containers: Annotated[list[ContainerMetrics], ListMap(("name",), merge_key="name")] = always(list)
