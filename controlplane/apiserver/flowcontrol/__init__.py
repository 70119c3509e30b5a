"""Priority and fairness: which requests go first when not all can go at once (KEP 1040).

    request ─► rules.py         the first FlowSchema that matches ─► a priority level, and a flow within it
               estimate.py      how many seats it takes
               queues.py        a seat now, or a place in a queue of the flow's hand (dealer.py), or no
               control.py       asks these, waits for the seat, says no with 429

    limits.py                   seats of each level: its share, and what it lends and borrows every ten seconds
    bootstrap.py, upkeep.py     the objects that every cluster has, and the Dangling condition of FlowSchemas
    metrics.py, dump.py         what it is doing

Worked example: `system:serviceaccount:shop:crawler` lists pods a thousand times at once. FlowSchema `service-accounts`
puts it into level `workload-low`, its hand is 6 of that level's 128 queues. What finds no seat waits there, at most 50
in each queue, the rest is told 429. A controller of kube-system renews its lease meanwhile: `system-leader-election`
puts it into a level whose seats nobody else can take. Another service account has another hand; a queue it shares with
the crawler is one of several, and the shortest is taken.

Everything that decides is a function of values and of the time it is given; control.py alone waits.
"""

from __future__ import annotations

from controlplane.apiserver.flowcontrol.control import FlowControl, Rejected

__all__ = ["FlowControl", "Rejected"]
