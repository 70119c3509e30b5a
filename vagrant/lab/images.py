"""Build the images of recipes.py, once for each content of a recipe, into .cache/images/<name>.tar."""

import hashlib
import shutil
import tempfile
from pathlib import Path

from lab import debs, oci
from lab.paths import CACHE
from lab.recipes import RECIPES, Recipe
from lab.step import run, step

# What nobody reads inside a container.
UNUSED = [
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/lintian",
    "usr/share/bug",
    "usr/share/info",
    "usr/share/bash-completion",
    "usr/share/doc-base",
    "usr/share/initramfs-tools",
    "usr/lib/*/gconv",
]

# Dependencies that only install scripts need, and nothing is installed here: packages are unpacked.
INSTALLERS = ("adduser", "debconf", "dpkg", "libpam", "libperl", "passwd", "perl", "sysvinit-utils")

PAUSE = "localhost/pause:1"  # the name in containerd's config.toml (vagrant/provision/containerd.sh)
TAG = "1"


def reference(name: str, registry: str) -> str:
    """The full name under which a pod asks for a lab image."""
    return PAUSE if name == "pause" else f"{registry}/{name}:{TAG}"


def build_all(registry: str) -> None:
    """Build what is missing or was built from another recipe."""
    directory = CACHE / "images"
    directory.mkdir(parents=True, exist_ok=True)
    layers: dict[str, bytes] = {}
    for recipe in RECIPES:
        tar, stamp = directory / f"{recipe.name}.tar", directory / f"{recipe.name}.key"
        key = _key(recipe, registry)
        if tar.exists() and stamp.exists() and stamp.read_text() == key:
            continue
        with step(f"building image {recipe.name}"):
            stamp.unlink(missing_ok=True)
            below = [_layer(base, layers) for base in _bases(recipe)]
            oci.write_image(
                tar,
                name=reference(recipe.name, registry),
                architecture=_architecture(),
                layers=[*below, _layer(recipe, layers)],
                config=recipe.config,
            )
            stamp.write_text(key)


def _bases(recipe: Recipe) -> list[Recipe]:
    return [other for other in RECIPES if other.name == recipe.base]


def _key(recipe: Recipe, registry: str) -> str:
    """Changes when the image should be built again."""
    ingredients = [reference(recipe.name, registry), repr(recipe), repr(_bases(recipe)), repr(UNUSED), repr(INSTALLERS)]
    ingredients += [path.read_text() for path in recipe.compiled.values()]
    return hashlib.sha256("\n".join(ingredients).encode()).hexdigest()


def _layer(recipe: Recipe, done: dict[str, bytes]) -> bytes:
    if recipe.name not in done:
        with tempfile.TemporaryDirectory(prefix="sampan-image-") as scratch:
            root = Path(scratch)
            _fill(root, recipe)
            done[recipe.name] = oci.layer_from_directory(root)
    return done[recipe.name]


def _fill(root: Path, recipe: Recipe) -> None:
    for package in debs.fetch(recipe.packages) if recipe.packages else []:
        if not package.name.startswith(INSTALLERS):
            run("dpkg-deb", "--extract", package, root)
    for unused in [path for pattern in UNUSED for path in root.glob(pattern)]:
        shutil.rmtree(unused)
    for name in recipe.directories:
        (root / name).mkdir(parents=True, exist_ok=True)
        if name.endswith("tmp"):
            (root / name).chmod(0o1777)
    for name, text in {**recipe.files, **recipe.scripts}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
        (root / name).chmod(0o755 if name in recipe.scripts else 0o644)
    for name, source in recipe.compiled.items():
        run(
            "gcc",
            "-Os",
            "-static",
            "-nostdlib",
            "-fno-stack-protector",
            "-fno-asynchronous-unwind-tables",
            "-s",
            "-Wl,--build-id=none",
            "-Wl,-z,noseparate-code",
            "-Wl,-z,norelro",
            "-o",
            root / name,
            source,
        )
    if recipe.applets:
        _link_applets(root)


def _link_applets(root: Path) -> None:
    for applet in run(root / "bin/busybox", "--list-full").split():
        link = root / applet
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.symlink_to("/bin/busybox")


def _architecture() -> str:
    return run("dpkg", "--print-architecture").strip()
