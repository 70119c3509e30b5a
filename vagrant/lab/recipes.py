"""What is in each of the lab's images: Debian packages, some files, and how it starts."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.paths import VAGRANT

FILES = VAGRANT / "images"

# Users and name lookup, which a package's install script would have set up.
ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n"
    "www-data:x:33:33:www-data:/var/www:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/:/bin/sh\n",
    "etc/group": "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Recipe:
    """An image: the layer of `base`, then a layer of these packages and files."""

    name: str
    config: dict[str, Any]  # the image's run configuration: image-spec, config.md
    base: str | None = None
    packages: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)  # path -> text
    scripts: dict[str, str] = field(default_factory=dict)  # path -> text of a program
    directories: list[str] = field(default_factory=list)
    applets: bool = False  # link every command that busybox has
    compiled: dict[str, Path] = field(default_factory=dict)  # path -> C source without a C library


RECIPES = [
    Recipe(name="pause", compiled={"pause": FILES / "pause.c"}, config={"Entrypoint": ["/pause"]}),
    Recipe(
        name="busybox",
        packages=["busybox"],  # not busybox-static: its shell prefers its own wget to the script below
        applets=True,
        files=ACCOUNTS,
        scripts={"usr/bin/wget": (FILES / "wget").read_text()},
        directories=["tmp", "root", "run", "var/tmp"],
        config={"Cmd": ["sh"], "Env": [PATH]},
    ),
    Recipe(
        name="nginx",
        base="busybox",
        packages=["nginx"],
        files={
            "etc/nginx/nginx.conf": (FILES / "nginx.conf").read_text(),
            "usr/share/nginx/html/index.html": (FILES / "index.html").read_text(),
        },
        directories=["var/lib/nginx", "var/log/nginx", "var/www"],
        config={
            "Cmd": ["nginx", "-g", "daemon off;"],
            "Env": [PATH],
            "ExposedPorts": {"80/tcp": {}},
            "StopSignal": "SIGQUIT",  # nginx then ends its open requests first
        },
    ),
    Recipe(
        name="tools",
        base="busybox",
        packages=[
            "bind9-dnsutils",
            "ca-certificates",
            "conntrack",
            "curl",
            "iperf3",
            "iproute2",
            "iputils-ping",
            "netcat-openbsd",
            "tcpdump",
        ],
        config={"Cmd": ["sleep", "infinity"], "Env": [PATH]},
    ),
]
