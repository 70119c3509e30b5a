"""One log line an event, on standard error, which the journal timestamps and files by unit."""

from __future__ import annotations

import logging
import sys

# systemd reads "<N>" at the start of a line as its syslog priority: sd-daemon(3).
_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class JournalFormatter(logging.Formatter):
    """`<6>apiserver: serving on 0.0.0.0:6443`"""

    def format(self, record: logging.LogRecord) -> str:
        text = f"{record.name.removeprefix('controlplane.').removeprefix('nodeagent.')}: {record.getMessage()}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        prefix = f"<{_PRIORITY.get(record.levelno, 6)}>"
        return "\n".join(prefix + line for line in text.splitlines())


def set_up(verbosity: int = 2) -> None:
    """Log to standard error; `verbosity` is klog's -v: 4 and above shows debug lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JournalFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if verbosity >= 4 else logging.INFO)
    for chatty in ("aiohttp.access", "asyncio", "pyroute2"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
