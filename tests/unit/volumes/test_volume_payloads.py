"""The files of volumes, rendered and written."""

from __future__ import annotations

import base64
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.api.core_v1 import (
    ConfigMap,
    ConfigMapProjection,
    Container,
    DownwardAPIVolumeFile,
    HostPathVolumeSource,
    KeyToPath,
    ObjectFieldSelector,
    Pod,
    PodSecurityContext,
    PodSpec,
    ProjectedVolumeSource,
    Secret,
    SecretProjection,
    SecurityContext,
    ServiceAccountTokenProjection,
    VolumeProjection,
)
from controlplane.api.meta_v1 import ObjectMeta
from nodeagent.volumes import atomic, config_map, downward, host_path, projected, secret, subpath
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.objects import Reference
from nodeagent.volumes.payload import File

_MAP = ConfigMap(data={"a": "1", "b": "2"}, binary_data={"bin": base64.b64encode(b"\xff\0").decode()})
_POD = Pod(metadata=ObjectMeta(name="p", namespace="d", uid="u", labels={"b": 'q"q', "a": "x"}), spec=PodSpec())


def test_all_keys() -> None:
    files = config_map.payload("m", _MAP, [], 0o640, optional=False)
    assert files == {"a": File(b"1", 0o640), "b": File(b"2", 0o640), "bin": File(b"\xff\0", 0o640)}


def test_items_have_paths_and_modes() -> None:
    items = [KeyToPath(key="a", path="deep/er"), KeyToPath(key="b", path="x", mode=0o400)]
    files = config_map.payload("m", _MAP, items, 0o644, optional=False)
    assert files == {"deep/er": File(b"1", 0o644), "x": File(b"2", 0o400)}


@pytest.mark.parametrize(
    ("there", "optional", "message"),
    [
        pytest.param(False, False, 'configmap "m" not found', id="no object"),
        pytest.param(True, False, "non-existent config key: c", id="no key"),
        pytest.param(False, True, "", id="no object, optional"),
        pytest.param(True, True, "", id="no key, optional"),
    ],
)
def test_missing(there: bool, optional: bool, message: str) -> None:
    def render() -> object:
        return config_map.payload(
            "m", _MAP if there else None, [KeyToPath(key="c", path="c")], 0o644, optional=optional
        )

    if message:
        with pytest.raises(VolumeFailed, match=message):
            render()
    else:
        assert render() == {}


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../../b", "..data", ""])
def test_paths_stay_inside(path: str) -> None:
    with pytest.raises(VolumeFailed, match="must be relative"):
        config_map.payload("m", _MAP, [KeyToPath(key="a", path=path)], 0o644, optional=False)


def test_secrets_are_decoded() -> None:
    kept = Secret(data={"k": base64.b64encode(b"hush").decode()})
    assert secret.payload("s", kept, [], 0o644, optional=False) == {"k": File(b"hush", 0o644)}


def test_downward_fields() -> None:
    items = [
        DownwardAPIVolumeFile(path="labels", field_ref=ObjectFieldSelector(field_path="metadata.labels")),
        DownwardAPIVolumeFile(path="name", field_ref=ObjectFieldSelector(field_path="metadata.name"), mode=0o400),
    ]
    files = downward.payload(_POD, items, 0o644, {})
    assert files == {"labels": File(b'a="x"\nb="q\\"q"', 0o644), "name": File(b"p", 0o400)}


def _projected(pod: Pod) -> object:
    source = ProjectedVolumeSource(
        sources=[
            VolumeProjection(service_account_token=ServiceAccountTokenProjection(path="token", expiration_seconds=600)),
            VolumeProjection(config_map=ConfigMapProjection(name="m", items=[KeyToPath(key="a", path="ca.crt")])),
            VolumeProjection(secret=SecretProjection(name="s", optional=True)),
        ]
    )
    objects = {Reference(ConfigMap, "d", "m"): _MAP, Reference(Secret, "d", "s"): None}
    return projected.payload(pod, source, objects, {("", 600): "tok"}, {})


def test_projected_sources_share_a_directory() -> None:
    assert _projected(_POD) == {"token": File(b"tok", 0o644), "ca.crt": File(b"1", 0o644)}


def test_a_token_is_its_users_alone() -> None:
    container = Container(name="c", security_context=SecurityContext(run_as_user=7))
    pod = Pod(metadata=_POD.metadata, spec=PodSpec(containers=[container]))
    assert _projected(pod) == {"token": File(b"tok", 0o600, 7), "ca.crt": File(b"1", 0o644)}
    group = Pod(metadata=_POD.metadata, spec=PodSpec(security_context=PodSecurityContext(fs_group=9)))
    assert _projected(group) == {"token": File(b"tok", 0o600), "ca.crt": File(b"1", 0o644)}


# Writing


def _read(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for entry in directory.iterdir()
        if not entry.name.startswith("..")
        for path in ([entry] if entry.is_file() else sorted(entry.rglob("*")))
        if path.is_file()
    }


_NAMES = st.sampled_from(["a", "b", "d/x", "d/y", "e/f/g"])
_PAYLOADS = st.dictionaries(_NAMES, st.builds(File, st.binary(max_size=20)), max_size=4)


@given(st.lists(_PAYLOADS, min_size=1, max_size=4))
def test_the_last_payload_is_what_is_there(
    tmp_path_factory: pytest.TempPathFactory, payloads: list[dict[str, File]]
) -> None:
    directory = tmp_path_factory.mktemp("volume")
    for number, payload in enumerate(payloads):
        atomic.write(directory, payload, stamp=str(number))
    assert _read(directory) == {path: file.data for path, file in payloads[-1].items()}
    generations = [entry for entry in directory.iterdir() if entry.name.startswith("..") and not entry.is_symlink()]
    assert len(generations) == 1


def test_equal_payloads_are_not_written_again(tmp_path: Path) -> None:
    assert atomic.write(tmp_path, {"a": File(b"1")}, stamp="1")
    assert not atomic.write(tmp_path, {"a": File(b"1")}, stamp="2")
    assert (tmp_path / "..data").readlink() == Path("..1")


@pytest.mark.parametrize(
    ("path", "spoil"),
    [
        pytest.param("a", lambda path: path.chmod(0o666), id="the mode of a file"),
        pytest.param("d", lambda path: path.chmod(0o700), id="the mode of a directory"),
        pytest.param(".", lambda path: path.chmod(0o700), id="the mode of them all"),
    ],
)
def test_who_may_read_is_repaired(tmp_path: Path, path: str, spoil: Callable[[Path], None]) -> None:
    payload = {"a": File(b"1", 0o600), "d/b": File(b"2")}
    atomic.write(tmp_path, payload, stamp="1")
    modes = [stat.S_IMODE((tmp_path / "..data" / name).stat().st_mode) for name in (".", "a", "d", "d/b")]
    assert modes == [0o755, 0o600, 0o755, 0o644]
    spoil(tmp_path / "..data" / path)
    assert atomic.write(tmp_path, payload, stamp="2")
    assert modes == [stat.S_IMODE((tmp_path / "..data" / name).stat().st_mode) for name in (".", "a", "d", "d/b")]
    assert not atomic.write(tmp_path, payload, stamp="3")


def test_a_change_of_mode_alone_is_written(tmp_path: Path) -> None:
    atomic.write(tmp_path, {"a": File(b"1", 0o644)}, stamp="1")
    assert atomic.write(tmp_path, {"a": File(b"1", 0o400)}, stamp="2")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o400


def test_a_reader_holds_the_generation_it_opened(tmp_path: Path) -> None:
    atomic.write(tmp_path, {"a": File(b"old")}, stamp="1")
    with (tmp_path / "a").open("rb") as held:
        atomic.write(tmp_path, {"a": File(b"new")}, stamp="2")
        assert held.read() == b"old"
    assert (tmp_path / "a").read_bytes() == b"new"


def test_modes_are_as_asked_whatever_the_umask(tmp_path: Path) -> None:
    atomic.write(tmp_path, {"a": File(b"", 0o666), "b": File(b"", 0o400)}, stamp="1")
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"] == [0o666, 0o400]


@pytest.mark.parametrize(
    ("type_", "problem"),
    [
        ("", ""),
        ("Directory", "is not a directory"),
        ("DirectoryOrCreate", ""),
        ("File", "is not a file"),
        ("FileOrCreate", ""),
        ("Socket", "is not a socket file"),
    ],
)
def test_host_path_types(tmp_path: Path, type_: str, problem: str) -> None:
    source = HostPathVolumeSource(path=str(tmp_path / "wanted"), type=type_)
    if problem:
        with pytest.raises(VolumeFailed, match=problem):
            host_path.make(source)
    else:
        assert host_path.make(source) == tmp_path / "wanted"
        assert (tmp_path / "wanted").exists() is bool(type_)


def test_sub_paths_do_not_lead_outside(tmp_path: Path) -> None:
    import os

    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "inside").symlink_to("real")
    (volume / "real").mkdir()
    (volume / "out").symlink_to(tmp_path)
    os.close(subpath.open_inside(volume, "inside"))
    os.close(subpath.open_inside(volume, "made/on/the/way"))
    assert (volume / "made" / "on" / "the" / "way").is_dir()
    for path in ("out", "../x", "/etc", "out/y"):
        with pytest.raises(VolumeFailed):
            subpath.open_inside(volume, path)
