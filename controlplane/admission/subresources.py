"""Which kind a request's body is of: that of the resource, or that of a subresource with a body of its own."""

from __future__ import annotations

from controlplane.admission.interface import Attributes, Operation

Kind = tuple[str, str, str]
"""Group, version, kind."""

_KINDS: dict[tuple[str, str], Kind] = {
    ("pods", "binding"): ("", "v1", "Binding"),
    ("pods", "eviction"): ("policy", "v1", "Eviction"),
    ("serviceaccounts", "token"): ("authentication.k8s.io", "v1", "TokenRequest"),
}
CONNECTED: dict[tuple[str, str], str] = {
    ("pods", "attach"): "PodAttachOptions",
    ("pods", "exec"): "PodExecOptions",
    ("pods", "portforward"): "PodPortForwardOptions",
    ("pods", "proxy"): "PodProxyOptions",
    ("services", "proxy"): "ServiceProxyOptions",
    ("nodes", "proxy"): "NodeProxyOptions",
}


def kind_of(attributes: Attributes) -> Kind:
    """Return the kind of what a request carries."""
    resource, subresource = attributes.resource, attributes.subresource
    if subresource and resource.group == "":
        if attributes.operation is Operation.CONNECT and (resource.plural, subresource) in CONNECTED:
            return "", "v1", CONNECTED[resource.plural, subresource]
        if attributes.operation is Operation.CREATE and (resource.plural, subresource) in _KINDS:
            return _KINDS[resource.plural, subresource]
    if subresource == "scale" and (attributes.document or {}).get("kind") == "Scale":
        return "autoscaling", "v1", "Scale"
    return resource.group, resource.version, resource.kind
