"""Machines made of network namespaces: real kernel, nothing reachable from outside, nothing left behind."""

from __future__ import annotations

import ctypes
import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from nodeagent.kernel.thread import KernelThread

T = TypeVar("T")
_CLONE_NEWNET = 0x40000000
_numbers = itertools.count()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.root)


def _enter(namespace: str) -> None:
    """Move the calling thread, and whatever it starts, into a namespace."""
    descriptor = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns", namespace)
    finally:
        os.close(descriptor)


class Inside(KernelThread):
    """The kernel thread of a machine: it lives in the machine's namespace."""

    def __init__(self, namespace: str):
        self._executor = ThreadPoolExecutor(max_workers=1, initializer=_enter, initargs=(namespace,))

    def call(self, function: Callable[..., T], *args: object, **kwargs: object) -> T:
        return self._executor.submit(function, *args, **kwargs).result(timeout=30)


@dataclass
class Machine:
    """One namespace with an interface eth0 on the common switch."""

    namespace: str
    address: str
    inside: Inside

    def sh(self, command: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in the machine's namespace."""
        done = subprocess.run(
            ["ip", "netns", "exec", self.namespace, "sh", "-c", command], capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done


@pytest.fixture
def machines() -> Iterator[Callable[[int], list[Machine]]]:
    """make(count) gives that many machines, 192.168.77.11 and on, connected by a switch of their own."""
    made: list[str] = []
    insides: list[Inside] = []

    def namespace(name: str) -> str:
        full = f"sampan-test-{os.getpid()}-{next(_numbers)}-{name}"
        subprocess.run(["ip", "netns", "add", full], check=True)
        made.append(full)
        subprocess.run(["ip", "-n", full, "link", "set", "lo", "up"], check=True)
        return full

    def make(count: int) -> list[Machine]:
        switch = namespace("switch")
        for command in ("link add br0 type bridge", "link set br0 up"):
            subprocess.run(["ip", "-n", switch, *command.split()], check=True)
        found = []
        for number in range(1, count + 1):
            name, address = namespace(f"m{number}"), f"192.168.77.{10 + number}"
            for command in (
                f"-n {switch} link add v{number} type veth peer name eth0 netns {name}",
                f"-n {switch} link set v{number} master br0 up",
                f"-n {name} addr add {address}/24 dev eth0",
                f"-n {name} link set eth0 up",
            ):
                subprocess.run(["ip", *command.split()], check=True)
            inside = Inside(name)
            insides.append(inside)
            found.append(Machine(name, address, inside))
        return found

    try:
        yield make
    finally:
        for inside in insides:
            inside.close()
        for name in reversed(made):
            subprocess.run(["ip", "netns", "del", name], check=False)
