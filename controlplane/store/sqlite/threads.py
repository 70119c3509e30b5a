"""A thread that owns a connection: jobs go in through a queue, results come back to the event loop."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from controlplane.store.errors import StoreClosed
from controlplane.store.sqlite.failures import translate

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]
Done = Callable[[Any, BaseException | None], None]


class ConnectionThread:
    """Runs jobs one after the other, in the order they came."""

    def __init__(self, connection: sqlite3.Connection, path: Path, name: str):
        self._connection, self._path = connection, path
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[tuple[Job[Any], Done] | None] = SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: Job[T], done: Done) -> None:
        """Run a job; `done(result, error)` is then called on the event loop, which is woken once."""
        if self._closed:
            raise StoreClosed
        self._jobs.put((job, done))

    def run(self, job: Job[T]) -> asyncio.Future[T]:
        """Run a job; awaiting the answer gives its result or raises StoreError."""
        future: asyncio.Future[T] = self._loop.create_future()

        def done(result: Any, error: BaseException | None) -> None:
            if future.done():
                return  # nobody waits any more
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        self.submit(job, done)
        return future

    async def close(self) -> None:
        """Finish the jobs that were submitted, then close the connection."""
        if self._closed:
            return
        finished = self.run(lambda connection: connection.close())
        self._closed = True
        self._jobs.put(None)
        await finished
        self._thread.join()

    def _work(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, done = item
            result, error = self._attempt(job)
            try:
                self._loop.call_soon_threadsafe(done, result, error)
            except RuntimeError:
                return  # the loop is closed: nobody is left to tell

    def _attempt(self, job: Job[T]) -> tuple[T | None, BaseException | None]:
        try:
            return job(self._connection), None
        except sqlite3.Error as error:
            failure = translate(error, self._path)
            failure.__cause__ = error
            return None, failure
        except BaseException as error:
            return None, error  # raised where the job was submitted
