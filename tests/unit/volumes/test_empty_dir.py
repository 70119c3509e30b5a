"""emptyDir: how large it may be, which pages it is made of, what it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from controlplane.api.core_v1 import Container, EmptyDirVolumeSource, Pod, PodSpec, ResourceRequirements
from nodeagent.volumes import empty_dir
from nodeagent.volumes.errors import VolumeFailed

_MI = 1 << 20


def _container(limit: str = "", *, restart_policy: str = "", **requests: str) -> Container:
    asked = {name.replace("_", "-"): amount for name, amount in requests.items()}
    resources = ResourceRequirements(limits={"memory": limit} if limit else {}, requests=asked)
    return Container(name="c", resources=resources, restart_policy=restart_policy)


def _pod(*containers: Container, init: tuple[Container, ...] = (), **spec: object) -> Pod:
    made = PodSpec(containers=list(containers), init_containers=list(init), **spec)  # type: ignore[arg-type]
    return Pod(spec=made)


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        pytest.param(_pod(_container("1Mi"), _container("2Mi")), 3, id="the sum of its containers'"),
        pytest.param(_pod(_container("1Mi"), _container()), 0, id="none, if one has none"),
        pytest.param(_pod(_container("1Mi"), init=(_container(),)), 0, id="nor if an init container has none"),
        pytest.param(_pod(_container("1Mi"), init=(_container("5Mi"),)), 5, id="the largest of init containers"),
        pytest.param(
            _pod(_container("1Mi"), init=(_container("2Mi", restart_policy="Always"), _container("4Mi"))),
            6,
            id="beside the sidecars that run by then",
        ),
        pytest.param(
            _pod(_container(), resources=ResourceRequirements(limits={"memory": "7Mi"})), 7, id="the pod's own"
        ),
        pytest.param(_pod(_container("1Mi"), overhead={"memory": "1Mi"}), 2, id="with what the pod itself costs"),
    ],
)
def test_what_memory_a_pod_may_use(pod: Pod, expected: int) -> None:
    assert empty_dir.pod_memory_limit(pod) == expected * _MI


@pytest.mark.parametrize(
    ("limit", "size_limit", "expected"),
    [
        pytest.param("", None, 64, id="what the node can give"),
        pytest.param("8Mi", None, 8, id="the pod's limit"),
        pytest.param("8Mi", "4Mi", 4, id="the volume's own, if smaller"),
        pytest.param("8Mi", "16Mi", 8, id="the pod's, if the volume's is larger"),
        pytest.param("8Mi", "0", 8, id="zero is no limit"),
        pytest.param("", "128Mi", 64, id="nobody has more than the node"),
    ],
)
def test_how_large_memory_may_be(limit: str, size_limit: str | None, expected: int) -> None:
    source = EmptyDirVolumeSource(medium="Memory", size_limit=size_limit)
    assert empty_dir.memory_size(source, _pod(_container(limit)), {"memory": "64Mi"}) == expected * _MI


def test_a_node_that_is_not_known_yet_sets_no_bound() -> None:
    assert empty_dir.memory_size(EmptyDirVolumeSource(medium="Memory"), _pod(_container()), {}) == 0


_TWO, _BOTH = _container(hugepages_2Mi="4Mi"), _container(hugepages_2Mi="4Mi", hugepages_1Gi="1Gi")


@pytest.mark.parametrize(
    ("medium", "container", "expected"),
    [
        pytest.param("HugePages", _TWO, 2 << 20, id="the one size asked for"),
        pytest.param("HugePages-1Gi", _BOTH, 1 << 30, id="the size named"),
        pytest.param("HugePages", _BOTH, "multiple huge page sizes", id="which?"),
        pytest.param("HugePages-1Gi", _TWO, "no container requests huge pages of the size 1Gi", id="not asked for"),
        pytest.param("HugePages", _container("1Mi"), "no resource request for huge pages", id="none asked for"),
        pytest.param("HugePagesX", _TWO, 'unknown storage medium "HugePagesX"', id="no medium"),
    ],
)
def test_which_huge_pages(medium: str, container: Container, expected: int | str) -> None:
    if isinstance(expected, int):
        assert empty_dir.page_size(medium, _pod(container)) == expected
    else:
        with pytest.raises(VolumeFailed, match=expected):
            empty_dir.page_size(medium, _pod(container))


def test_a_node_without_pages_says_so(tmp_path: Path) -> None:
    with pytest.raises(VolumeFailed, match="the node has no huge pages of 2048 KiB"):
        empty_dir.require_pages(2 << 20, tmp_path)
    pool = tmp_path / "hugepages-2048kB"
    pool.mkdir()
    (pool / "nr_hugepages").write_text("0\n")
    with pytest.raises(VolumeFailed, match="no huge pages"):
        empty_dir.require_pages(2 << 20, tmp_path)
    (pool / "nr_hugepages").write_text("3\n")
    empty_dir.require_pages(2 << 20, tmp_path)
