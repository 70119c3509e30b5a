"""What a pod mounts: directories below /var/lib/kubelet/pods/UID/volumes, filled before its containers start.

    kubernetes.io~empty-dir/NAME       a directory, or memory           empty_dir.py
    kubernetes.io~configmap/NAME       a config map's keys as files     config_map.py ┐ rendered purely into a payload,
    kubernetes.io~secret/NAME          a secret's, in memory            secret.py     │ written by atomic.py, and again
    kubernetes.io~downward-api/NAME    the pod's own fields             downward.py   │ whenever an object changes
    kubernetes.io~projected/NAME       all of these, and tokens         projected.py  ┘
    (a path of the node)               host path                        host_path.py

A payload is written beside the old one and a symbolic link is swapped, so a reader sees the old files or the new ones:

    NAME/..2026_11_21_06_30_00.000000001/key    the files
    NAME/..data -> ..2026_11_21_06_30_00.000000001    swapped by rename(2)
    NAME/key    -> ..data/key

The room refuses to know containers, and never decides when a pod starts or ends. Volumes it cannot make (claims, CSI,
network file systems) fail with a sentence that says so.
"""
