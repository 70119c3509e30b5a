"""An operator as its author would write it with kopf: one ConfigMap a Greeting, and a status that says so."""

from __future__ import annotations

from typing import Any

import kopf
from kubernetes import client, config

config.load_kube_config()


def _text(spec: Any) -> dict[str, str]:
    return {"text": f"Hello, {spec['to']}"}


@kopf.on.create("greetings")
def create(body: kopf.Body, spec: Any, name: str, namespace: str, **_: Any) -> dict[str, str]:
    made = {"metadata": {"name": name}, "data": _text(spec)}
    kopf.adopt(made)
    client.CoreV1Api().create_namespaced_config_map(namespace, made)
    kopf.info(body, reason="Greeted", message=f"greeted the {spec['to']}")
    return {"configMap": name}


@kopf.on.update("greetings", field="spec")
def update(spec: Any, name: str, namespace: str, **_: Any) -> None:
    client.CoreV1Api().patch_namespaced_config_map(name, namespace, {"data": _text(spec)})


@kopf.on.delete("greetings")
def delete(name: str, namespace: str, **_: Any) -> None:
    client.CoreV1Api().delete_namespaced_config_map(name, namespace)
