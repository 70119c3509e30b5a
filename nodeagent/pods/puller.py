"""Makes an image be on the node, as the pull policy says, and no registry be asked more often than is polite.

A failed pull is ErrImagePull with the registry's answer; until its back-off is over the container waits in
ImagePullBackOff. Several containers that want one image share one pull.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from controlplane.api.core_v1 import Container, EphemeralContainer, Pod, Secret
from controlplane.kit.backoff import Backoff
from controlplane.kit.clock import Clock
from nodeagent.cri.errors import ImagePullFailed, RuntimeFailure, Unavailable
from nodeagent.cri.images import Images
from nodeagent.cri.records import Credentials, Image
from nodeagent.pods.restart import still_to_come
from nodeagent.pods.state import Trouble, Waiting
from nodeagent.volumes import secret as secrets

Tell = Callable[[str, str, str], None]
"""Records an event about the container: type, reason, message."""

_BACKOFF = Backoff(first=10.0, cap=300.0)
# How long ErrImagePull is to be seen before it becomes ImagePullBackOff; upstream's next sync is about as far away.
_SHOWN = timedelta(seconds=2)
_RETRY = timedelta(seconds=10)  # after what only somebody's hand changes


class ImageTrouble(Exception):
    """The image is not here."""

    def __init__(self, trouble: Trouble):
        super().__init__(trouble.waiting.message)
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    last: str
    until: datetime


class ImagePuller:
    """The one place that pulls."""

    def __init__(self, images: Images, clock: Clock, *, parallel: int = 4):
        self._images, self._clock = images, clock
        self._slots = asyncio.Semaphore(parallel)
        self._failures: dict[tuple[str, str], _Failures] = {}
        self._pulls: dict[tuple[str, Credentials | None], asyncio.Task[str]] = {}

    async def ensure(
        self, pod: Pod, container: Container | EphemeralContainer, pull_secrets: Sequence[Secret], tell: Tell
    ) -> tuple[str, Image]:
        """Return a reference to the container's image, present, and what it is. Raises ImageTrouble, Unavailable."""
        if not is_image_name(container.image):
            raise self._misnamed(container.image, tell)
        name, policy = tagged(container.image), container.image_pull_policy or default_policy(container.image)
        image = await self._inspect(container.image, name, tell)
        if image is not None and policy != "Always":
            tell(
                "Normal",
                "Pulled",
                f'Container image "{container.image}" already present on machine and can be accessed by the pod',
            )
            return image.id, image
        if policy == "Never":
            words = f'Container image "{container.image}" is not present with pull policy of Never'
            tell("Warning", "ErrImageNeverPull", words)
            raise ImageTrouble(Trouble(Waiting("ErrImageNeverPull", words), self._clock.now() + _RETRY))
        self._hold_off(pod, container, tell)
        return await self._pull(pod, container, name, credentials_for(name, pull_secrets), tell)

    async def _inspect(self, image: str, name: str, tell: Tell) -> Image | None:
        """Return what the runtime has under a name. Raises ImageTrouble, Unavailable."""
        try:
            return await self._images.status(name)
        except Unavailable:
            raise
        except RuntimeFailure as error:
            words = f'Failed to inspect image "{image}": {error}'
            raise self._told("ImageInspectError", words, tell) from error

    def _misnamed(self, image: str, tell: Tell) -> ImageTrouble:
        words = f'Failed to apply default image tag "{image}": couldn\'t parse image name: invalid reference format'
        return self._told("InvalidImageName", words, tell)

    def _told(self, reason: str, words: str, tell: Tell) -> ImageTrouble:
        tell("Warning", "InspectFailed", words)
        tell("Warning", "Failed", f"Error: {reason}")
        return ImageTrouble(Trouble(Waiting(reason, words), self._clock.now() + _RETRY))

    def forget(self, pod_uid: str) -> None:
        """Drop what is remembered of a pod that is gone."""
        for key in [key for key in self._failures if key[0] == pod_uid]:
            del self._failures[key]

    def _hold_off(self, pod: Pod, container: Container | EphemeralContainer, tell: Tell) -> None:
        failures = self._failures.get((pod.metadata.uid, container.image))
        if failures is None or not still_to_come(failures.until, self._clock.now()):
            return
        words = f'Back-off pulling image "{container.image}"'
        tell("Normal", "BackOff", words)
        tell("Warning", "Failed", "Error: ImagePullBackOff")
        waiting = Waiting("ImagePullBackOff", f"{words}: ErrImagePull: {failures.last}")
        raise ImageTrouble(Trouble(waiting, failures.until))

    async def _pull(
        self,
        pod: Pod,
        container: Container | EphemeralContainer,
        name: str,
        credentials: Sequence[Credentials | None],
        tell: Tell,
    ) -> tuple[str, Image]:
        tell("Normal", "Pulling", f'Pulling image "{container.image}"')
        started = self._clock.monotonic()
        try:
            reference = await self._try_each(name, credentials)
        except ImagePullFailed as error:
            raise self._failed(pod, container, str(error), tell) from error
        image = await self._inspect(container.image, reference, tell)
        if image is None:
            raise self._failed(pod, container, "the image was removed right after it was pulled", tell)
        self._failures.pop((pod.metadata.uid, container.image), None)
        took = f"{self._clock.monotonic() - started:.3f}s"
        tell(
            "Normal",
            "Pulled",
            f'Successfully pulled image "{container.image}" in {took} ({took} including waiting). '
            f"Image size: {image.size} bytes.",
        )
        return image.id, image

    async def _try_each(self, name: str, credentials: Sequence[Credentials | None]) -> str:
        refusals = []
        for one in credentials:
            try:
                return await self._shared(name, one)
            except ImagePullFailed as error:
                refusals.append(error)
        raise refusals[-1]

    async def _shared(self, name: str, credentials: Credentials | None) -> str:
        key = (name, credentials)
        pull = self._pulls.get(key)
        if pull is None:
            # Owned by everyone who waits for it: cancelling one of them must not take the image from the others.
            pull = self._pulls[key] = asyncio.ensure_future(self._pull_one(name, credentials))
            pull.add_done_callback(lambda _: self._pulls.pop(key, None))
        return await asyncio.shield(pull)

    async def _pull_one(self, name: str, credentials: Credentials | None) -> str:
        async with self._slots:
            return await self._images.pull(name, credentials)

    def _failed(self, pod: Pod, container: Container | EphemeralContainer, why: str, tell: Tell) -> ImageTrouble:
        key, now = (pod.metadata.uid, container.image), self._clock.now()
        count = self._failures[key].count + 1 if key in self._failures else 0
        self._failures[key] = _Failures(count, why, now + timedelta(seconds=_BACKOFF.delay(count)))
        tell("Warning", "Failed", f'Failed to pull image "{container.image}": {why}')
        tell("Warning", "Failed", "Error: ErrImagePull")
        return ImageTrouble(Trouble(Waiting("ErrImagePull", why), now + _SHOWN))


def tagged(image: str) -> str:
    """Return the image's name with the tag that is meant when there is none."""
    last = image.rpartition("/")[2]
    return image if ":" in last or "@" in last else f"{image}:latest"


# The grammar of image references: an optional host, path components in lower case, a tag, a digest.
_HOST_PART = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"(?:{_HOST_PART}(?:\.{_HOST_PART})*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[+._-][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,}"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_HOST}/)?{_PART}(?:/{_PART})*)(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@{_DIGEST})?"
)
_LONGEST_NAME = 255  # characters, without tag and digest


def is_image_name(image: str) -> bool:
    """Whether a registry or the runtime could know an image by this name."""
    found = _REFERENCE.fullmatch(image)
    return found is not None and len(found["name"]) <= _LONGEST_NAME


def default_policy(image: str) -> str:
    """Return the pull policy of an image whose pod does not say: what may change is asked for each time."""
    return "Always" if tagged(image).endswith(":latest") and "@" not in image else "IfNotPresent"


def credentials_for(image: str, pull_secrets: Sequence[Secret]) -> Sequence[Credentials | None]:
    """Return what to introduce ourselves with, most specific first; (None,) is a visit without a name."""
    found = []
    for one in pull_secrets:
        for server, entry in _registries(one).items():
            if _covers(server, image):
                found.append((len(server), _credentials(server, entry)))
    return [credentials for _, credentials in sorted(found, key=lambda pair: -pair[0])] or (None,)


def _registries(secret: Secret) -> dict[str, dict[str, str]]:
    data = secrets.contents(secret)
    try:
        if ".dockerconfigjson" in data:
            return dict(json.loads(data[".dockerconfigjson"]).get("auths", {}))
        return dict(json.loads(data.get(".dockercfg", b"{}")))
    except (ValueError, AttributeError):
        return {}  # a secret that is no registry's: whoever made it sees the pull fail


def _covers(server: str, image: str) -> bool:
    prefix = server.removeprefix("https://").removeprefix("http://").removesuffix("/v1/").removesuffix("/v2/")
    return image == prefix or image.startswith(prefix.rstrip("/") + "/")


def _credentials(server: str, entry: dict[str, str]) -> Credentials:
    username, password = entry.get("username", ""), entry.get("password", "")
    if entry.get("auth") and not username:
        username, _, password = base64.b64decode(entry["auth"]).decode(errors="replace").partition(":")
    return Credentials(
        username=username, password=password, server=server, identity_token=entry.get("identitytoken", "")
    )
