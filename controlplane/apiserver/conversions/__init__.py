"""Kinds that are served in several versions over one place in the store: which version the bytes are, and how to turn.

    events.k8s.io/v1 Event                      kept as v1                  events.py
    autoscaling/v1 HorizontalPodAutoscaler      kept as autoscaling/v2      horizontal_pod_autoscalers.py

Every other version of every kind is kept as it is served. `conversion_of(resource)` is asked once per resource, when
the server is put together; a resource without one never touches a document on its way in or out.

A conversion works on documents that already have the right types and their defaults, may share parts of what it is
given, and changes none of it. What one version cannot say must not be lost on the way there and back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from controlplane.api.codec import Document
from controlplane.api.resources import BY_KIND, Resource
from controlplane.apiserver.conversions import events, horizontal_pod_autoscalers


@dataclass(frozen=True, slots=True)
class Conversion:
    """How a served version becomes the stored one, and how it is made of it again."""

    stored: str  # apiVersion
    to_stored: Callable[[Document], Document]
    from_stored: Callable[[Document], Document]


_CONVERSIONS: Mapping[tuple[str, str], Conversion] = {
    ("autoscaling/v1", "HorizontalPodAutoscaler"): Conversion(
        "autoscaling/v2", horizontal_pod_autoscalers.to_v2, horizontal_pod_autoscalers.from_v2
    ),
    ("events.k8s.io/v1", "Event"): Conversion("v1", events.to_core, events.from_core),
}


def conversion_of(resource: Resource) -> Conversion | None:
    """Return how objects of a resource are converted for the store; None: they are kept as they are served."""
    return _CONVERSIONS.get((resource.api_version, resource.kind))


def stored_as(resource: Resource) -> Resource:
    """Return the resource in whose version the objects of this one are kept."""
    conversion = conversion_of(resource)
    return BY_KIND[conversion.stored, resource.kind] if conversion else resource
