"""Pods on this node: from a spec that was assigned here to running containers, and back to nothing.

    API (informer) ─┐                          ┌─ plan.py     what to do next           pure
                    ├─► agent.py ─► worker.py ─┼─ status.py   what the API shows        pure
    static.py ──────┘   one worker per pod     ├─ sandbox.py, container.py, env.py, …   pure rendering for the runtime
                              ▲                ├─ starting.py, ending.py                what takes time
    cri events, relist.py ────┘                └─ writer.py   the newest status, once

A pod's life, as its events tell it: Scheduled (not ours) → Pulling → Pulled → Created → Started → … → Killing. A worker
is driven by level: whatever was missed while this agent or containerd was down shows in the next look at the runtime,
where pods are found again by their labels, and healthy ones are left alone.

The room owns restart decisions, back-offs, grace periods and pod status. It refuses to know networks (the sandbox
brings one), scheduling, and containers that no kubelet has made.

`agent.PodAgent` is what `cmd` builds; its constructor lists everything the room needs from the others.
"""
