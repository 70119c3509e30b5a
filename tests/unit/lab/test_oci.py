"""An image is what the OCI image specification says, and equal input gives equal bytes."""

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

from lab import oci


def an_image(target: Path) -> str:
    root = target.parent / "root"
    (root / "bin").mkdir(parents=True, exist_ok=True)
    (root / "bin" / "tool").write_text("#!/bin/sh\n")
    (root / "bin" / "tool").chmod(0o755)
    if not (root / "link").is_symlink():
        (root / "link").symlink_to("bin/tool")
    return oci.write_image(
        target,
        name="registry.example:5000/tool:1",
        architecture="amd64",
        layers=[oci.layer_from_directory(root)],
        config={"Cmd": ["/bin/tool"]},
    )


def read(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.extractfile(name)
    assert member is not None
    return member.read()


def blob(tar: tarfile.TarFile, descriptor: dict[str, Any]) -> bytes:
    algorithm, _, digest = descriptor["digest"].partition(":")
    content = read(tar, f"blobs/{algorithm}/{digest}")
    assert hashlib.sha256(content).hexdigest() == digest
    assert len(content) == descriptor["size"]
    return content


def test_layout_leads_from_index_to_layer(tmp_path: Path) -> None:
    digest = an_image(tmp_path / "tool.tar")
    with tarfile.open(tmp_path / "tool.tar") as tar:
        assert json.loads(read(tar, "oci-layout")) == {"imageLayoutVersion": "1.0.0"}
        [entry] = json.loads(read(tar, "index.json"))["manifests"]
        assert entry["digest"] == digest
        assert entry["annotations"]["io.containerd.image.name"] == "registry.example:5000/tool:1"
        manifest = json.loads(blob(tar, entry))
        config = json.loads(blob(tar, manifest["config"]))
        [layer] = manifest["layers"]
        assert config["config"] == {"Cmd": ["/bin/tool"]}
        assert config["rootfs"] == {"type": "layers", "diff_ids": [layer["digest"]]}
        blob(tar, layer)


def test_layer_keeps_modes_and_links_but_no_owner_and_no_time(tmp_path: Path) -> None:
    an_image(tmp_path / "tool.tar")
    (tmp_path / "layer.tar").write_bytes(oci.layer_from_directory(tmp_path / "root"))
    with tarfile.open(tmp_path / "layer.tar") as tar:
        entries = {entry.name: entry for entry in tar.getmembers()}
    assert list(entries) == ["bin", "bin/tool", "link"]
    assert entries["bin/tool"].mode == 0o755
    assert entries["link"].linkname == "bin/tool"
    assert {(entry.uid, entry.gid, entry.mtime) for entry in entries.values()} == {(0, 0, 0)}


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert an_image(tmp_path / "one" / "tool.tar") == an_image(tmp_path / "two" / "tool.tar")
    assert (tmp_path / "one" / "tool.tar").read_bytes() == (tmp_path / "two" / "tool.tar").read_bytes()
