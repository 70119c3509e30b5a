"""Which IP families a Service has, from what it asks for and what the cluster offers."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from controlplane.api.codec import Document
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import invalid

_FAMILIES = ("IPv4", "IPv6")


def settle_families(spec: Document, offered: Sequence[str], *, narrowing: bool = False) -> list[FieldError]:
    """Fill in `ipFamilies` and `ipFamilyPolicy` of a Service that has addresses; return what cannot be had.

    With `narrowing` a Service that had two families may go back to its first by changing its policy alone.
    """
    if spec.get("clusterIP") == "None" and not spec.get("selector"):
        return _settle_unselected(spec, offered)
    if errors := _impossible(spec, offered):
        return errors
    policy = spec.get("ipFamilyPolicy") or _policy_of(spec)
    families = list(spec.get("ipFamilies") or _families_of(spec) or offered[:1])
    if policy != "SingleStack" and len(families) == 1:
        families += [family for family in offered if family not in families]
    if policy == "SingleStack" and narrowing:
        families = families[:1]
        if spec.get("clusterIPs"):
            spec["clusterIPs"] = spec["clusterIPs"][:1]
    spec["ipFamilyPolicy"], spec["ipFamilies"] = policy, families
    return []


def _settle_unselected(spec: Document, offered: Sequence[str]) -> list[FieldError]:
    """Somebody else fills in the endpoints, of any family, whatever the cluster's own pods have."""
    spec["ipFamilyPolicy"] = spec.get("ipFamilyPolicy") or "RequireDualStack"
    families = list(spec.get("ipFamilies") or offered[:1])
    if spec["ipFamilyPolicy"] != "SingleStack" and len(families) == 1:
        families += [family for family in _FAMILIES if family not in families]
    spec["ipFamilies"] = families
    return []


def _impossible(spec: Document, offered: Sequence[str]) -> list[FieldError]:
    errors = [
        invalid(f"spec.ipFamilies[{index}]", family, "not configured on this cluster")
        for index, family in enumerate(spec.get("ipFamilies") or ())
        if family in _FAMILIES and family not in offered
    ]
    if spec.get("ipFamilyPolicy") == "RequireDualStack" and len(offered) < 2:
        why = "this cluster is not configured for dual-stack services"
        errors.append(invalid("spec.ipFamilyPolicy", "RequireDualStack", why))
    return errors


def _policy_of(spec: Document) -> str:
    asked = max(len(spec.get("ipFamilies") or ()), len(spec.get("clusterIPs") or ()))
    return "RequireDualStack" if asked > 1 else "SingleStack"


def _families_of(spec: Document) -> list[str]:
    """Return the families of the addresses asked for."""
    found = []
    for address in spec.get("clusterIPs") or ():
        try:
            found.append(f"IPv{ipaddress.ip_address(address).version}")
        except ValueError:
            continue  # "None", or something that validation will name
    return found
