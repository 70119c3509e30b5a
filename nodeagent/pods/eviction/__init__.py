"""Eviction: ends pods before the node runs out of memory, disk or process ids.

    observe.py     what is left now, and what each pod uses        numbers of the kernel and the runtime
    thresholds.py  which thresholds are met, and since when        pure
    rank.py        whose turn it is                                pure
    limits.py      who uses more local storage than it may         pure
    refusal.py     who does not start meanwhile                    pure
    words.py       how the pod's status says why                   pure
    reclaim.py     frees what no pod needs: dead containers; images are image_gc.py's
    manager.py     every 10 s: observe, decide, reclaim, and if that was not enough end one pod

           met                lasts for its grace period       still met after the reclaim
    calm ──────► under pressure ──────────────────────► reclaim ──────────────────────────► evict one, look again
     ▲               │ pods that would make it worse are refused (refusal.py)
     └───────────────┘ 5 minutes after it was met last, so that the scheduler does not come and go

Static and critical pods are never ended here. One pod at a time: what it frees may be enough.
"""
