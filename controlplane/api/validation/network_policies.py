"""NetworkPolicies."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.api import addresses, names
from controlplane.api.networking_v1 import IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import checked, forbidden, invalid, not_supported, required
from controlplane.api.validation.selectors import validate_selector

_PROTOCOLS = ("TCP", "UDP", "SCTP")
_TYPES = ("Ingress", "Egress")


def validate_network_policy(policy: NetworkPolicy) -> list[FieldError]:
    spec = policy.spec
    errors = list(validate_selector(spec.pod_selector, "spec.podSelector"))
    for index, ingress in enumerate(spec.ingress):
        errors += _validate_rule(ingress.ports, ingress.from_, f"spec.ingress[{index}]", "from")
    for index, egress in enumerate(spec.egress):
        errors += _validate_rule(egress.ports, egress.to, f"spec.egress[{index}]", "to")
    if len(spec.policy_types) > len(_TYPES):
        why = "may not specify more than two policyTypes"
        return [*errors, invalid("spec.policyTypes", spec.policy_types, why)]
    for index, type_ in enumerate(spec.policy_types):
        if type_ not in _TYPES:
            errors.append(not_supported(f"spec.policyTypes[{index}]", type_, _TYPES))
    return errors


def _validate_rule(
    ports: list[NetworkPolicyPort], peers: list[NetworkPolicyPeer], path: str, side: str
) -> Iterator[FieldError]:
    for index, port in enumerate(ports):
        yield from _validate_port(port, f"{path}.ports[{index}]")
    for index, peer in enumerate(peers):
        yield from _validate_peer(peer, f"{path}.{side}[{index}]")


def _validate_port(port: NetworkPolicyPort, path: str) -> Iterator[FieldError]:
    if port.protocol and port.protocol not in _PROTOCOLS:
        yield not_supported(f"{path}.protocol", port.protocol, _PROTOCOLS)
    first, last, at = port.port, port.end_port, f"{path}.endPort"
    if first is None:
        if last is not None:
            yield invalid(at, last, "may not be specified when `port` is not specified")
    elif isinstance(first, str):
        if last is not None:
            yield invalid(at, last, "may not be specified when `port` is non-numeric")
        yield from checked(f"{path}.port", first, names.port_name(first))
    else:
        yield from checked(f"{path}.port", first, names.port_number(first))
        if last is not None:
            if last < first:
                yield invalid(at, last, "must be greater than or equal to `port`")
            yield from checked(at, last, names.port_number(last))


def _validate_peer(peer: NetworkPolicyPeer, path: str) -> Iterator[FieldError]:
    yield from validate_selector(peer.pod_selector, f"{path}.podSelector")
    yield from validate_selector(peer.namespace_selector, f"{path}.namespaceSelector")
    others = (peer.pod_selector, peer.namespace_selector)
    if peer.ip_block is not None:
        yield from _validate_block(peer.ip_block, f"{path}.ipBlock")
        if others != (None, None):
            yield forbidden(path, "may not specify both ipBlock and another peer")
    elif others == (None, None):
        yield required(path, "must specify a peer")


def _validate_block(block: IPBlock, path: str) -> Iterator[FieldError]:
    if not block.cidr:
        yield required(f"{path}.cidr")
        return
    yield from checked(f"{path}.cidr", block.cidr, addresses.strict_cidr(block.cidr))
    whole = addresses.parse_cidr(block.cidr)
    for index, text in enumerate(block.except_ if whole is not None else ()):
        at = f"{path}.except[{index}]"
        yield from checked(at, text, addresses.strict_cidr(text))
        part = addresses.parse_cidr(text)
        if part is not None and whole is not None and not addresses.is_strictly_within(part, whole):
            yield invalid(at, text, "must be a strict subset of `cidr`")
