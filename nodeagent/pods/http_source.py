"""Static pods from a web server: a URL that answers with a Pod or a PodList, asked every 20 seconds.

    manifest_url: http://10.0.0.1/pods.yaml   →   each pod as if its manifest lay on this node

What the server cannot answer changes nothing: pods that run go on until it says that they are not wanted any more.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from controlplane.api.core_v1 import Pod
from controlplane.kit.clock import Clock
from controlplane.kit.late import LateModule
from controlplane.kit.timestamps import format_time
from nodeagent.pods.static import BadManifest, read_document, static_pod

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = LateModule("aiohttp")

_log = logging.getLogger(__name__)
_ASK_SECONDS = 20.0  # upstream's httpCheckFrequency
_ANSWER_SECONDS = 10.0
_LARGEST = 10 << 20  # bytes; upstream's limit too

Headers = Sequence[tuple[str, str]]


class HttpPods:
    """Asks the URL and tells `on_change` when the pods there are others."""

    def __init__(self, url: str, headers: Headers, node: str, clock: Clock, on_change: Callable[[], None]):
        self._url, self._headers, self._node, self._clock = url, headers, node, clock
        self._on_change = on_change
        self._trouble = ""
        self.pods: Mapping[str, Pod] = {}  # by UID
        self.answered = False  # until it has, nobody knows which of the pods that run are wanted

    async def run(self) -> None:
        """Ask until cancelled."""
        timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                await self._look(session)
                await self._clock.sleep(_ASK_SECONDS)

    async def _look(self, session: aiohttp.ClientSession) -> None:
        try:
            text = await self._ask(session)
            read = manifest_pods(text, self._url, self._node, format_time(self._clock.now()))
        except BadManifest as error:
            self._note(str(error))
            return
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:  # ValueError: no URL, or not text
            self._note(f"{self._url}: {type(error).__name__}: {error}")
            return
        self._note("")
        self.answered = True
        found = {uid: self.pods.get(uid, pod) for uid, pod in read.items()}
        if found.keys() != self.pods.keys():
            self.pods = found
            self._on_change()

    async def _ask(self, session: aiohttp.ClientSession) -> str:
        async with session.get(self._url, headers=self._headers) as answer:
            if answer.status != 200:
                raise BadManifest(f"{self._url}: answered with status {answer.status}")
            body = bytearray()
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) > _LARGEST:
                    raise BadManifest(f"{self._url}: more than {_LARGEST} bytes")
        return body.decode()

    def _note(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            _log.error("static pods are as they were: %s", trouble)
        elif self._trouble and not trouble:
            _log.info("%s answers again", self._url)
        self._trouble = trouble


def manifest_pods(text: str, url: str, node: str, seen: str) -> Mapping[str, Pod]:
    """Return the pods that an answer describes, by UID. Raises BadManifest if any of them is none."""
    if not text.strip():
        return {}
    document: Any = read_document(text, url)
    if not isinstance(document, dict) or document.get("kind") not in ("Pod", "PodList"):
        raise BadManifest(f"{url}: neither a Pod nor a PodList")
    items = [document] if document["kind"] == "Pod" else document.get("items") or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise BadManifest(f"{url}: the items of the PodList are no pods")
    pods = [_pod({**item, "kind": item.get("kind") or "Pod"}, url, node, seen) for item in items]
    return {pod.metadata.uid: pod for pod in pods}


def _pod(item: dict[str, Any], url: str, node: str, seen: str) -> Pod:
    # In a list each pod is told from the others by what it says itself, however the server has ordered it.
    text = json.dumps(item, sort_keys=True, default=str)
    return static_pod(item, text, url, node, seen, source="http")
