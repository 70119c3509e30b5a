"""NetworkPolicies and IngressClasses."""

from __future__ import annotations

from controlplane.api.codec import Document


def default_network_policy(policy: Document) -> None:
    """A policy with rules for egress is about egress; every policy is about ingress unless it says otherwise."""
    spec = policy.setdefault("spec", {})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    for rule in (*spec.get("ingress", ()), *spec.get("egress", ())):
        for port in rule.get("ports", ()):
            port["protocol"] = port.get("protocol") or "TCP"


def default_ingress_class(ingress_class: Document) -> None:
    parameters = ingress_class.setdefault("spec", {}).get("parameters")
    if parameters is not None:
        parameters["scope"] = parameters.get("scope") or "Cluster"
