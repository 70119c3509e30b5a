"""A store served as etcd v3: to etcdctl, backup tools, other API servers.

    kv.py           Range, Put, DeleteRange, Txn, Compact; `transaction.py` decides purely, `ranges.py` shows
    watching.py     Watch; `hub.py` brings the events
    leases.py       LeaseGrant, LeaseRevoke, LeaseKeepAlive, LeaseTimeToLive, LeaseLeases
    maintenance.py  Status, Alarm, Defragment, Hash, HashKV, Snapshot; MemberList; AuthStatus, Authenticate
    serving.py      the services on a port

There is one member and no raft. Users and roles do not exist: whoever has a certificate of the authority may do
everything. Keys are UTF-8 text.
"""

from controlplane.store.etcd.server.replies import Member
from controlplane.store.etcd.server.serving import EtcdServer

__all__ = ["EtcdServer", "Member"]
