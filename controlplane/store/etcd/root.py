"""Where in an etcd our keys are: --etcd-prefix puts what is below /registry elsewhere.

Root("/registry", "/cluster-1"):    /registry/pods/a/b  <->  /cluster-1/pods/a/b
"""

from __future__ import annotations

from typing import NamedTuple

from controlplane.store.keys import prefix_end


class Root(NamedTuple):
    """A prefix of ours, and what stands for it there."""

    ours: str = ""
    theirs: str = ""

    def there(self, key: str) -> bytes:
        """Return a key as it is there. Raises ValueError for one that is not below our prefix."""
        if not key.startswith(self.ours):
            raise ValueError(f"{key} is not below {self.ours}")
        return (self.theirs + key[len(self.ours) :]).encode()

    def here(self, key: bytes) -> str | None:
        """Return a key as it is here; None for one that is not ours."""
        try:
            text = key.decode()
        except UnicodeDecodeError:
            return None
        return self.ours + text[len(self.theirs) :] if self._is_ours(text) else None

    def _is_ours(self, there: str) -> bool:
        return there.startswith(self.theirs + "/" if self.theirs else "")

    def range(self, prefix: str, start_after: str = "") -> tuple[bytes, bytes]:
        """Return the bounds there of what is below a prefix, and behind a key."""
        if not prefix.startswith(self.ours):  # shorter than our prefix: all of ours
            prefix = self.ours + "/"
        end = prefix_end(self.there(prefix).decode())
        start = self.there(prefix)
        if start_after:
            start = max(start, self.there(start_after) + b"\0")
        return start or b"\0", b"\0" if end is None else end.encode()
