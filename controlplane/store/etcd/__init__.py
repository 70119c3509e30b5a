"""etcd's v3 protocol, from both sides: a store that is in an etcd, and a store served as one.

```
 API server ── EtcdStore (client.py) ── gRPC, mutual TLS ──► etcd, 1 member or 3
                                                        └──► EtcdServer (server/) ── SQLite or memory ◄── etcdctl
 controlplane backup ── Maintenance/Snapshot ──► FILE (snapshot/: bbolt, as etcd's own) ── controlplane restore
```

`connection.py` finds a member that answers, `following.py` keeps a watch going, `lease_pool.py` shares leases,
`root.py` is --etcd-prefix, `tls.py` the certificates. `etcd.proto` is what the rest is generated from. gRPC is spoken
nowhere else in the control plane.
"""
