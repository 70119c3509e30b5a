"""What a check finds in a pod, in the words of upstream's messages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from controlplane.api.core_v1 import Container, EphemeralContainer, PodSpec, SecurityContext
from controlplane.api.meta_v1 import ObjectMeta


@dataclass(frozen=True, slots=True)
class Violation:
    """Why a pod does not meet a level: `hostPort (container "a" uses hostPort 80)`."""

    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


Check: TypeAlias = Callable[[ObjectMeta, PodSpec], Violation | None]
AnyContainer: TypeAlias = Container | EphemeralContainer


def containers_of(spec: PodSpec) -> Iterator[AnyContainer]:
    yield from spec.init_containers
    yield from spec.containers
    yield from spec.ephemeral_containers


def secured(spec: PodSpec) -> Iterator[tuple[str, SecurityContext]]:
    """Yield each container's name with its security context; those that say nothing have an empty one."""
    for container in containers_of(spec):
        yield container.name, container.security_context or _SILENT


_SILENT = SecurityContext()


def plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


def quoted(items: Iterable[str]) -> str:
    return ", ".join(f'"{item}"' for item in items)


def named(word: str, names: Sequence[str]) -> str:
    """Return `container "a"` or `containers "a", "b"`."""
    return f"{plural(word, len(names))} {quoted(names)}"


def setters(pod: bool, containers: Sequence[str]) -> str:
    """Return who says something: `pod and container "a"`; "" if nobody does."""
    said = ["pod"] if pod else []
    return " and ".join([*said, named("container", containers)] if containers else said)


def uses(names: Collection[str]) -> str:
    return "uses" if len(names) == 1 else "use"


def on_windows(spec: PodSpec) -> bool:
    return spec.os is not None and spec.os.name == "windows"


def in_user_namespace(spec: PodSpec) -> bool:
    """Whether the pod's root is nobody on the node."""
    return spec.host_users is False


def unless(exempt: Callable[[PodSpec], bool], check: Check) -> Check:
    """Return a check that lets some pods pass."""
    return lambda metadata, spec: None if exempt(spec) else check(metadata, spec)
