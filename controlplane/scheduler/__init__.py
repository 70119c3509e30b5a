"""Chooses a node for every pod that has none.

Owns the order in which pods get their turn, which nodes suit a pod and which of those suits best. Refuses to touch
anything but `pods/binding`, the PodScheduled condition and events: starting the pod is the node's affair.

    informers ──► queue: active ◄── backoff ◄── unschedulable        cache: nodes, their pods, assumed pods
                         │            ▲  (1..10 s)    ▲                          │
                         ▼            │   a change that may help, or 5 min       │ snapshot
                     schedule(pod, snapshot) ◄───────────────────────────────────┘
                         │  filters: which nodes at all      (a rule a file)
                         │  scores:  which of them best      (a rule a file)
            ┌────────────┴───────────┐
            ▼                        ▼
          Fit(node)               NoFit(message, rejected_by)
            assume, bind            condition PodScheduled=False, event FailedScheduling, back to the queue

Deciding is synchronous and pure; only binding waits for the network, and the next pod does not wait for it: the cache
already counts the pod as being there (it is "assumed").
"""
