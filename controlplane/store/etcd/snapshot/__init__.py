"""Snapshots as etcd keeps them: what `etcdctl snapshot save` receives, `status` reads and `restore` makes a member of.

```
 page 0, 1   two descriptions of the file (which tree is current, how many pages there are)
 page 2      free pages: none
 page 3...   the tree of the bucket `key`:  revision ─► KeyValue
 ...         the tree of buckets:  alarm, auth, ..., key, lease, meta
 32 bytes    SHA-256 of all of it
```

The file is a B+ tree database of bbolt, etcd's; `writer.py` writes one in one go, `reader.py` reads any. So a backup of
this store can be taken to an etcd, and one of an etcd to this store. `content.py` says which buckets hold what.
"""
