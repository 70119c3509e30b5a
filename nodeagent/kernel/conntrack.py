"""The kernel's table of connections: conntrack(8) from conntrack-tools."""

from __future__ import annotations

import subprocess

_NOTHING_DELETED = "0 flow entries have been deleted"


class ConntrackFailure(Exception):
    """The table could not be changed."""


def delete_udp(port: int, destination: str = "", answered_by: str = "", *, ipv6: bool = False) -> int:
    """Forget UDP flows sent to `destination` (default: any address) and `port`; return how many there were.

    With `answered_by`, only those whose packets were rewritten to that address. Raises ConntrackFailure.
    """
    command = ["conntrack", "-D", "-p", "udp", "--orig-port-dst", str(port)]
    command += ["-f", "ipv6"] if ipv6 else []
    command += ["--orig-dst", destination] if destination else []
    command += ["--dst-nat", answered_by] if answered_by else []
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError as error:
        raise ConntrackFailure(f"conntrack: {error.strerror} (apt-get install conntrack)") from error
    message = done.stderr.decode(errors="replace").strip()
    if done.returncode and _NOTHING_DELETED not in message:
        raise ConntrackFailure(f"{' '.join(command)}: {message}")
    return done.stdout.count(b"\n")
