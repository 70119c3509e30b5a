"""Prometheus' Kubernetes discovery, as VictoriaMetrics implements it: it lists, watches and scrapes our API server.

Debian's own prometheus is built without that discovery; the configuration is the same.
"""

from __future__ import annotations

import json
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from msgspec.structs import replace

from controlplane.api.core_v1 import (
    Container,
    ContainerPort,
    Node,
    NodeAddress,
    NodeStatus,
    Pod,
    PodIP,
    PodSpec,
    Service,
    ServicePort,
    ServiceSpec,
)
from controlplane.api.discovery_v1 import Endpoint, EndpointPort, EndpointSlice
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.pki.issue import Leaf, issue
from controlplane.testing import Cluster
from tests.waiting import until_blocking

ROLES = ("node", "pod", "service", "endpoints", "endpointslice", "ingress")


@contextmanager
def victoria_metrics(directory: Path, config: dict[str, Any]) -> Iterator[Callable[[str], Any]]:
    """Run VictoriaMetrics; yield a way to ask its API, which is Prometheus'."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    (directory / "scrape.yml").write_text(yaml.safe_dump(config))
    command = [
        "victoria-metrics", f"-promscrape.config={directory}/scrape.yml", f"-storageDataPath={directory}/data",
        f"-httpListenAddr={address}", "-search.latencyOffset=0s", "-loggerLevel=WARN",
        "-promscrape.kubernetesSDCheckInterval=1s",
    ]  # fmt: skip
    log = (directory / "log").open("w")
    process = subprocess.Popen(command, stdout=log, stderr=log)

    def ask(path: str) -> Any:
        try:
            with urllib.request.urlopen(f"http://{address}/api/v1/{path}", timeout=10) as answer:
                return json.load(answer)["data"]
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, (directory / "log").read_text()
            return {}

    try:
        yield ask
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def test_it_finds_its_targets_and_scrapes_the_api_server(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    a_container = Container(name="c", image="x", ports=[ContainerPort(container_port=80)])
    for obj in (
        Node(metadata=ObjectMeta(name="n1")),
        Pod(
            metadata=ObjectMeta(name="web", namespace=namespace, labels={"app": "web"}),
            spec=PodSpec(node_name="n1", containers=[a_container]),
        ),
        Service(metadata=ObjectMeta(name="web", namespace=namespace), spec=ServiceSpec(ports=[ServicePort(port=80)])),
        EndpointSlice(
            metadata=ObjectMeta(name="web-1", namespace=namespace, labels={"kubernetes.io/service-name": "web"}),
            address_type="IPv4",
            endpoints=[Endpoint(addresses=["192.0.2.2"])],
            ports=[EndpointPort(name="http", port=80)],
        ),
    ):  # fmt: skip
        cluster.run(lambda client, obj=obj: client.create(obj))  # type: ignore[misc]
    node = cluster.run(lambda client: client.get(Node, "n1"))
    at = NodeStatus(addresses=[NodeAddress(type="InternalIP", address="192.0.2.1")])  # TEST-NET-1
    cluster.run(lambda client: client.update(replace(node, status=at), subresource="status"))
    pod = cluster.run(lambda client: client.get(Pod, "web", namespace))
    with_address = replace(pod, status=replace(pod.status, pod_ip="192.0.2.2", pod_ips=[PodIP(ip="192.0.2.2")]))
    cluster.run(lambda client: client.update(with_address, subresource="status"))
    # What it finds here are addresses that exist nowhere: it is to find them, not to call them.
    nowhere = [
        {"action": "labelmap", "regex": "__meta_kubernetes_(.+_name)", "replacement": "found_$1"},
        {"target_label": "__address__", "replacement": "127.0.0.1:1"},
    ]
    discovered = [
        {
            "job_name": role, "scrape_interval": "1h", "relabel_configs": nowhere,
            "kubernetes_sd_configs": [{"role": role, "api_server": cluster.url, "tls_config": tls_of(cluster)}],
        }
        for role in ROLES
    ]  # fmt: skip
    scraped = {
        "job_name": "apiserver", "scheme": "https", "tls_config": tls_of(cluster), "scrape_interval": "1s",
        "static_configs": [{"targets": [cluster.url.removeprefix("https://")]}],
    }  # fmt: skip
    with victoria_metrics(tmp_path, {"scrape_configs": [*discovered, scraped]}) as ask:
        until_blocking(lambda: {"node", "pod", "service", "endpointslice"} <= names_by_job(ask).keys())
        names = names_by_job(ask)
        assert "n1" in names["node"]
        assert {"web", "c"} <= names["pod"]
        assert "web" in names["service"]
        assert "web-1" in names["endpointslice"]
        until_blocking(
            lambda: ask("query?query=apiserver_request_total%7Bverb%3D%22LIST%22%2Cresource%3D%22pods%22%7D").get(
                "result"
            )
        )
        assert ask("query?query=up%7Bjob%3D%22apiserver%22%7D")["result"][0]["value"][1] == "1"

        # What comes later is found by its watch.
        late = Service(
            metadata=ObjectMeta(name="late", namespace=namespace), spec=ServiceSpec(ports=[ServicePort(port=80)])
        )
        cluster.run(lambda client: client.create(late))
        until_blocking(lambda: "late" in names_by_job(ask)["service"])
    cluster.run(lambda client: client.delete(Node, "n1"))


def tls_of(cluster: Cluster) -> dict[str, str]:
    api = cluster.api
    pair = issue(Leaf("monitoring", ("system:masters",)), api.authority, api.clock.now())
    certificate, key = api.write_pair("monitoring", pair)
    return {"ca_file": str(api.ca_file), "cert_file": str(certificate), "key_file": str(key)}


def names_by_job(ask: Callable[[str], Any]) -> dict[str, set[str]]:
    """Return every name that the labels of the found targets hold."""
    jobs: dict[str, set[str]] = {}
    for target in ask("targets").get("activeTargets", ()):
        found = {value for name, value in target["labels"].items() if name.startswith("found_")}
        jobs.setdefault(target["labels"]["job"], set()).update(found)
    return jobs
