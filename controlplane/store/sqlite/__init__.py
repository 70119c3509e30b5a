"""A store in one SQLite file: durable when `put` returns, and fast because many writers share one fsync.

```
 event loop                                                  writer thread           reader thread
 put ─┐                                                      (one connection)        (one connection)
 put ─┼─► queue ─► plan.decide: CAS, revisions ──► batch ──► one INSERT = one        history of watches,
 put ─┘            against the key index (memory)            transaction + fsync     lists, values not cached
      ◄── answers, index, events, all in one wake-up ◄───────┘
```

While a batch is on its way to the disk the next one gathers: the slower the disk, the larger the batch, and a single
writer waits for nobody. Only keys and revisions are kept in memory, values in a small cache.

Why whole batches travel as one SQL statement (`packing.py`): every step of a sqlite3 statement gives up the GIL, and
getting it back from a busy event loop can take as long as the switch interval. One step a batch is one such wait.

`engine.py` opens the file and refuses what is not ours, `threads.py` owns the threads, `statements.py` holds the SQL,
`store.py` ties them together. Nothing else in Sampan speaks SQL.
"""

from controlplane.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
