"""What a pod mounts: directories below /var/lib/kubelet/pods/UID/volumes, filled before its containers start.

    kubernetes.io~empty-dir/NAME       a directory, or memory           empty_dir.py
    kubernetes.io~configmap/NAME       a config map's keys as files     config_map.py ┐ rendered purely into a payload,
    kubernetes.io~secret/NAME          a secret's, in memory            secret.py     │ written by atomic.py, and again
    kubernetes.io~downward-api/NAME    the pod's own fields             downward.py   │ whenever an object changes
    kubernetes.io~projected/NAME       all of these, and tokens         projected.py  ┘
    kubernetes.io~local-volume/PV      a directory of the node          local.py      ┐ outlive the pod: unmounted,
    kubernetes.io~nfs/NAME             a server's directory             nfs.py        ┘ never deleted
    (a path of the node)               host path                        host_path.py

kinds.py is the table of them. claims.py says which persistent volume is behind a claim, ownership.py gives its files to
the pod's group. manager.py gathers what the API has to say, then makes a pod's volumes one after the other in a thread:
one thread a pod at a time, so that a file system that does not answer holds up its own pod alone.

A payload is written beside the old one and a symbolic link is swapped, so a reader sees the old files or the new ones:

    NAME/..2026_11_21_06_30_00.000000001/key    the files
    NAME/..data -> ..2026_11_21_06_30_00.000000001    swapped by rename(2)
    NAME/key    -> ..data/key

The room refuses to know containers, and never decides when a pod starts or ends. Volumes that no
row of the table makes fail with a sentence that says so.
"""
