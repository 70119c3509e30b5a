"""/logs/: the node's /var/log for reading, as upstream serves it to who may read nodes/log."""

from __future__ import annotations

import asyncio
import html
import os
import stat
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from nodeagent.server.beneath import Outside, open_beneath

ROOT = Path("/var/log")
_BLOCK = 256 * 1024  # bytes


async def serve(request: web.Request, root: Path = ROOT) -> web.StreamResponse:
    """Answer with a file, or with the names in a directory."""
    name = request.match_info["path"]
    try:
        descriptor = await asyncio.to_thread(open_beneath, root, name)
    except (FileNotFoundError, NotADirectoryError, Outside):
        return web.Response(status=404, text="404 page not found\n")
    except PermissionError:
        return web.Response(status=403, text="403 Forbidden\n")
    except OSError:  # a name that is too long, a loop of links
        return web.Response(status=400, text="400 Bad Request\n")
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            return await _file(request, descriptor)
        if name and not name.endswith("/"):
            last = quote(name.rpartition("/")[2])
            return web.Response(status=301, headers={"Location": f"{last}/"})
        return await _listing(descriptor)
    finally:
        os.close(descriptor)


async def _listing(descriptor: int) -> web.Response:
    names = await asyncio.to_thread(_names, descriptor)
    # "./", or a name with a colon in it would be read as a scheme.
    lines = (f'<a href="./{quote(name)}">{html.escape(name)}</a>' for name in names)
    body = "\n".join(["<!doctype html>", "<pre>", *lines, "</pre>", ""])
    return web.Response(text=body, content_type="text/html", charset="utf-8")


def _names(descriptor: int) -> list[str]:
    with os.scandir(descriptor) as entries:
        return sorted(one.name + ("/" if one.is_dir() else "") for one in entries)


async def _file(request: web.Request, descriptor: int) -> web.StreamResponse:
    """Send as much as the file has now: one that grows while it is read would never end."""
    left = os.fstat(descriptor).st_size
    response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(left)})
    await response.prepare(request)
    while left and request.method != "HEAD":
        data = await asyncio.to_thread(os.read, descriptor, min(left, _BLOCK))
        if not data:
            # It has been cut short meanwhile: the connection must not be taken for a whole answer.
            if request.transport is not None:
                request.transport.abort()
            break
        left -= len(data)
        try:
            await response.write(data)
        except ConnectionError:
            return response  # the reader has gone
    return response
