"""How every component speaks to the API, as any outsider would.

Owns requests, watches, informers and their listers, work queues, leader election and event recording.
Refuses to decide anything: what to do about what was seen belongs to whoever asked.

    Transport ── bytes over HTTPS (or a fake in tests)
        │
      Client ─── typed verbs: get, list, create, update, patch, delete, watch
        │
    Informers ── list + watch ──► Lister (cache) ──► handler(old, new) ──► WorkQueue.add(key)
                                     ▲                                         │
                                     └───────── reconcile(key) ◄── Reconciler ◄┘

A controller's whole life:

    pods = informers.of(Pod, indexes={"controller": by_controller})
    pods.on_change(lambda old, new: queue.add(key_of(new or old)))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(informers.run())
        await informers.synced()
        tasks.create_task(Reconciler("replicaset", reconcile, queue, workers=5).run())
"""
