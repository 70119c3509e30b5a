"""CustomResourceDefinitions: the names that can be made of others, and conversion by name."""

from __future__ import annotations

from controlplane.api.codec import Document


def default_definition(definition: Document) -> None:
    spec = definition.setdefault("spec", {})
    names = spec.setdefault("names", {})
    kind = names.get("kind") or ""
    if kind:
        names["singular"] = names.get("singular") or kind.lower()
        names["listKind"] = names.get("listKind") or f"{kind}List"
    conversion = spec.setdefault("conversion", {"strategy": "None"})
    service = ((conversion.get("webhook") or {}).get("clientConfig") or {}).get("service")
    if service is not None:
        service.setdefault("port", 443)
    status = definition.setdefault("status", {})
    if not status.get("storedVersions"):
        status["storedVersions"] = stored_version(spec)


def stored_version(spec: Document) -> list[str]:
    """Return the version that objects are stored in, as a list: of one, or of none."""
    return [one.get("name") or "" for one in spec.get("versions") or () if one.get("storage")][:1]
