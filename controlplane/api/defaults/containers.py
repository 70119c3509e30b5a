"""Containers of every sort: image pull policy, termination message, ports, probes, hooks, environment."""

from __future__ import annotations

from typing import Any

from controlplane.api.codec import Document


def default_container(container: Document) -> None:
    if not container.get("imagePullPolicy"):
        container["imagePullPolicy"] = pull_policy(container.get("image") or "")
    if not container.get("terminationMessagePath"):
        container["terminationMessagePath"] = "/dev/termination-log"
    if not container.get("terminationMessagePolicy"):
        container["terminationMessagePolicy"] = "File"
    container.setdefault("resources", {})
    for port in container.get("ports", ()):
        if not port.get("protocol"):
            port["protocol"] = "TCP"
    _default_handlers(container)
    for variable in container.get("env", ()):
        if variable.get("valueFrom"):
            default_value_source(variable["valueFrom"])


def pull_policy(image: str) -> str:
    """Always for the tag "latest", which is also the tag of an image named without one."""
    return "Always" if image_tag(image) == "latest" else "IfNotPresent"


def image_tag(image: str) -> str:
    """Return the tag an image name means; "" if a digest alone pins it."""
    name, at, _ = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return tag or ("latest" if image and not at else "")


def _default_handlers(container: Document) -> None:
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(probe):
            _default_probe(container[probe])
    hooks = container.get("lifecycle") or {}
    for hook in ("postStart", "preStop"):
        if hooks.get(hook):
            _default_http_get(hooks[hook])


_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}  # seconds, counts


def _default_probe(probe: Document) -> None:
    for name, value in _PROBE.items():
        if not probe.get(name):
            probe[name] = value
    _default_http_get(probe)


def _default_http_get(handler: Document) -> None:
    action = handler.get("httpGet")
    if action is not None:
        action["path"] = action.get("path") or "/"
        action["scheme"] = action.get("scheme") or "HTTP"


def default_value_source(source: dict[str, Any]) -> None:
    """A field reference (of a variable or a downward API file) is to v1; a resource is counted in ones."""
    if source.get("fieldRef") and not source["fieldRef"].get("apiVersion"):
        source["fieldRef"]["apiVersion"] = "v1"
    if source.get("resourceFieldRef") and not source["resourceFieldRef"].get("divisor"):
        source["resourceFieldRef"]["divisor"] = "0"  # upstream writes its zero, which means one
