"""Ingresses and NetworkPolicies: what callers should hear of what is accepted all the same."""

from __future__ import annotations

from typing import Any, ClassVar

from controlplane.api.addresses import cidr_warnings
from controlplane.api.networking_v1 import NetworkPolicyPeer
from controlplane.api.validation.ingresses import CLASS_ANNOTATION
from controlplane.apiserver.strategies.base import Strategy


class IngressStrategy(Strategy):
    has_generation: ClassVar[bool] = True

    def warnings(self, obj: Any) -> list[str]:
        if CLASS_ANNOTATION not in obj.metadata.annotations or obj.spec.ingress_class_name:
            return []
        return [f"annotation \"{CLASS_ANNOTATION}\" is deprecated, please use 'spec.ingressClassName' instead"]

    def update_warnings(self, new: Any, old: Any) -> list[str]:
        return []


class NetworkPolicyStrategy(Strategy):
    has_generation: ClassVar[bool] = True

    def warnings(self, obj: Any) -> list[str]:
        warnings = []
        for index, ingress in enumerate(obj.spec.ingress):
            warnings += _about_peers(ingress.from_, f"spec.ingress[{index}].from")
        for index, egress in enumerate(obj.spec.egress):
            warnings += _about_peers(egress.to, f"spec.egress[{index}].to")
        return warnings


def _about_peers(peers: list[NetworkPolicyPeer], path: str) -> list[str]:
    warnings = []
    for index, peer in enumerate(peers):
        if peer.ip_block is not None:
            at = f"{path}[{index}].ipBlock"
            warnings += cidr_warnings(f"{at}.cidr", peer.ip_block.cidr)
            for number, text in enumerate(peer.ip_block.except_):
                warnings += cidr_warnings(f"{at}.except[{number}]", text)
    return warnings
