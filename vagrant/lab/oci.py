"""Write container images: an OCI image layout (image-spec 1.0) in one tar file, as `ctr images import` takes it.

    oci-layout             {"imageLayoutVersion": "1.0.0"}
    index.json             which manifest, and its name
    blobs/sha256/<digest>  manifest, configuration, layers

Equal input gives equal bytes: names sorted, owners root, times zero. So a digest changes only when the content does.
Layers are not compressed: they travel over one machine's memory, where gzip would cost more than it saves.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def layer_from_directory(root: Path) -> bytes:
    """Pack a directory tree as one layer."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(root.rglob("*")):
            tar.add(path, arcname=str(path.relative_to(root)), recursive=False, filter=_neutral)
    return buffer.getvalue()


def _neutral(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mtime = 0
    return entry


def write_image(
    target: Path, *, name: str, architecture: str, layers: Sequence[bytes], config: Mapping[str, Any]
) -> str:
    """Write the image to `target` under the full reference `name`; return the manifest's digest.

    `config` is the image's run configuration (Cmd, Env, ...; image-spec, config.md).
    """
    blobs: dict[str, bytes] = {}

    def add(media_type: str, content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        blobs[digest] = content
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    layer_descriptors = [add(LAYER, layer) for layer in layers]
    image_config = {
        "architecture": architecture,
        "os": "linux",
        "config": dict(config),
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layer_descriptors]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": add(CONFIG, _json(image_config)),
        "layers": layer_descriptors,
    }
    top = add(MANIFEST, _json(manifest))
    tag = name.rpartition(":")[2]
    annotations = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": tag}
    index = {"schemaVersion": 2, "manifests": [{**top, "annotations": annotations}]}

    partial = target.with_suffix(".partial")
    with tarfile.open(partial, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _put(tar, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _put(tar, "index.json", _json(index))
        for digest, content in sorted(blobs.items()):
            _put(tar, f"blobs/sha256/{digest}", content)
    partial.replace(target)
    return str(top["digest"])


def _put(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
