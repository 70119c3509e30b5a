"""The pages of the node's API that are read rather than streamed: metrics, the Summary API, the settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from aiohttp import web
from prometheus_client import CollectorRegistry, Metric

from controlplane.kit.clock import Clock
from controlplane.kit.metrics import CONTENT_TYPE, render
from controlplane.kit.serving import Page
from nodeagent.cmd.certificates import NodeCertificates
from nodeagent.cmd.config import NodeAgentConfig
from nodeagent.cmd.configz import kubelet_configuration
from nodeagent.cri.errors import RuntimeFailure
from nodeagent.metrics import cadvisor, resource
from nodeagent.metrics.files import FileReader
from nodeagent.metrics.kubelet import KubeletMetrics, Reading
from nodeagent.metrics.summary import cpu_and_memory, summary
from nodeagent.metrics.usage import Usage, UsageReader
from nodeagent.pods.agent import PodAgent
from nodeagent.probes.counts import ProbeCounts
from nodeagent.volumes.kinds import plugin_name


def node_pages(
    registry: CollectorRegistry,
    metrics: KubeletMetrics,
    usage: UsageReader,
    files: FileReader,
    probe_counts: ProbeCounts,
    pods: PodAgent,
    certificates: NodeCertificates,
    config: NodeAgentConfig,
    clock: Clock,
) -> dict[str, Page]:
    async def kubelet(_: web.Request) -> web.Response:
        _refresh(metrics, pods, certificates, clock)
        return _text(render(registry))

    async def containers(_: web.Request) -> web.Response:
        return await _usage_page(usage, cadvisor.families)

    async def resources(_: web.Request) -> web.Response:
        return await _usage_page(usage, resource.families)

    async def probes(_: web.Request) -> web.Response:
        return _text(render(probe_counts.registry))

    async def stats(request: web.Request) -> web.Response:
        try:
            found = await usage.read()
            if request.query.get("only_cpu_and_memory", "").lower() in ("1", "true", "t"):
                return web.json_response(cpu_and_memory(found))
            return web.json_response(summary(found, await files.read(found)))
        except RuntimeFailure as failure:
            return _unread(failure)

    async def settings(_: web.Request) -> web.Response:
        return web.json_response({"kubeletconfig": kubelet_configuration(dataclasses.asdict(config))})

    return {
        "/metrics": kubelet,
        "/metrics/cadvisor": containers,
        "/metrics/resource": resources,
        "/metrics/probes": probes,
        "/stats/summary": stats,
        "/configz": settings,
    }


def _refresh(metrics: KubeletMetrics, pods: PodAgent, certificates: NodeCertificates, clock: Clock) -> None:
    """Bring the gauges up to date that are computed only when somebody looks."""
    workers = pods.workers()
    metrics.running_pods.set(sum(worker.runtime.running != () for worker in workers))
    running = sum(len(worker.runtime.running) for worker in workers)
    metrics.running_containers.labels("running").set(running)
    gauges = ((certificates.client, metrics.certificate_ttl), (certificates.serving, metrics.serving_ttl))
    for rotation, gauge in gauges:
        expiry = rotation.expiry()
        if expiry is not None:
            gauge.set((expiry - clock.now()).total_seconds())
    metrics.renew_errors.set(certificates.client.renewal_errors)
    metrics.volumes.clear()
    for worker in workers:
        for plugin in map(plugin_name, worker.pod.spec.volumes):
            metrics.volumes.labels(plugin, "desired_state_of_world").inc()
            if worker.mounted:
                metrics.volumes.labels(plugin, "actual_state_of_world").inc()


async def _usage_page(usage: UsageReader, families: Callable[[Usage], Iterable[Metric]]) -> web.Response:
    try:
        reading = Reading(families(await usage.read()))
    except RuntimeFailure as failure:
        return _unread(failure)
    registry = CollectorRegistry()
    registry.register(reading)
    return _text(render(registry))


def _unread(failure: RuntimeFailure) -> web.Response:
    """Say that the runtime does not answer: a scrape that fails is seen, figures that are missing may not be."""
    return web.Response(status=503, text=f"{failure}\n")


def _text(body: bytes) -> web.Response:
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})
