"""The store: a log of bytes in which every write takes the next revision.

It owns revisions, history, compaction, expiry and durability. It refuses to know kinds: keys are text, values bytes.

```
 put("/registry/pods/a", b"1", expected=0)   -> 2      an empty store is at revision 1, as etcd's is
 put("/registry/pods/a", b"2", expected=2)   -> 3
 put("/registry/pods/a", b"3", expected=2)   -> RevisionMismatch, `actual` is the record at revision 3
 watch("/registry/pods/", after=2)           -> [Event(key="/registry/pods/a", value=b"2", revision=3)], then what comes
 compact(3); list("", revision=2)            -> Compacted
```

`interface.py` is what users see. `memory.py` keeps everything in a process, `sqlite/` on a disk. Both hand committed
events to `broadcast.py`, which joins a watcher's replay of history to what happens next without a gap. `expiry.py`
deletes keys whose time is over; `compaction.py` decides how much history stays. `etcd/` keeps everything in an etcd,
and serves the other two as one. `damaged.py` is what is left of a file that contradicts itself.
"""
