"""Fixtures for tests of programs that talk to Kubernetes. pytest finds them by itself once Sampan is installed.

def test_my_operator(cluster, namespace):
    subprocess.run(["kubectl", "apply", "-n", namespace, "-f", "app.yaml"], env=cluster.environ, check=True)
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from controlplane.testing.cluster import Cluster

_numbers = count(1)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster with controllers and scheduler, one for all tests of the session."""
    from controlplane.testing.cluster import cluster

    with cluster() as running:
        yield running


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """The name of a namespace that is the test's own, and goes with all that is in it."""
    from controlplane.api.core_v1 import Namespace
    from controlplane.api.meta_v1 import ObjectMeta

    name = f"test-{next(_numbers)}"
    cluster.run(lambda client: client.create(Namespace(metadata=ObjectMeta(name=name))))
    yield name
    cluster.run(lambda client: client.delete(Namespace, name))
