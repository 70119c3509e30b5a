"""Taint eviction: delete pods from nodes with a NoExecute taint they do not tolerate, or no longer tolerate.

Owns the deletion of pods because of taints. Refuses to taint.

    the node's NoExecute taints      the pod tolerates             then
    ------------------------------   ---------------------------   -----------------------------------
    none                             anything                      it stays
    unreachable                      nothing                       it is deleted now
    unreachable (added at 12:00)     unreachable for 300 s         it is deleted at 12:05, if still tainted
    unreachable                      unreachable, for ever         it stays (DaemonSet pods do this)
"""
