"""Disruption budgets: how many pods of an application may be taken away on purpose.

Owns the status of PodDisruptionBudgets, which the eviction API of the server asks and writes: `kubectl drain` ends
because these numbers follow the pods. Refuses to evict or to protect anybody itself.

    expectedPods         how many there should be: what the pods' controllers are scaled to, or the pods there are
    desiredHealthy       minAvailable, or expectedPods less maxUnavailable
    currentHealthy       ready pods that are neither going nor, by the server's word, about to
    disruptionsAllowed   currentHealthy less desiredHealthy; 0 while it cannot be told

    plan.py         the numbers, and the condition that says why
    scales.py       whom a pod belongs to and how large that is meant to be
    controller.py   follows budgets and pods; a pod said to go that stays for 2 min counts again
"""
