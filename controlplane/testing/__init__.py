"""The control plane's API in one process, for Python programs and pytest.

    with cluster() as c:                                  # all of it in the background of a program that blocks
        subprocess.run(["helm", "list"], env=c.environ)

    async with memory_api() as api:                       # no socket, no file: a Client straight into the pipeline
        await api.client().create(Namespace(metadata=ObjectMeta(name="shop")))

    async with https_api(tmp_path) as api:                # a real HTTPS server on the loopback interface
        subprocess.run(["kubectl", "--kubeconfig", api.kubeconfig, "get", "namespaces"])

It is the same server that `controlplane apiserver` runs, over a store in memory, up in a fraction of a second. The time
and every random choice are arguments, so that a test can own them. It refuses to be a production server: its
certificates live in a directory of the caller's and its store dies with the block.
"""

from __future__ import annotations

from controlplane.testing.cluster import Cluster, cluster
from controlplane.testing.https import HttpsApi, https_api
from controlplane.testing.memory import MemoryApi, memory_api

__all__ = ["Cluster", "HttpsApi", "MemoryApi", "cluster", "https_api", "memory_api"]
