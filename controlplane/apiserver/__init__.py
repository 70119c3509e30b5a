"""The front door: HTTPS in, objects out. It owns every verb of the API and refuses to decide what a cluster should do.

    http.py ──► pipeline.py ──────────────────────────────► router.py ──► handlers/  a verb a file
    bytes       request_info.py  what is asked              catalog.py       │
                auth/            who asks, may they         what is served   │  strategies/ a kind a file
                flowcontrol/     is it their turn                            │  customresources/ kinds of their authors
                audit/           who did what                                │  admission/ ──► webhooks/
                aggregation/     is it another server's                      ▼  api/validation, conversions/
    ┌───────────── watch_cache.py ◄── one watch ── store ◄── put ──── writing.py, deletion.py
    │   encoded objects in key order,           (encryption/)
    └─► recent changes (event_log.py) ──► get, list (selection.py), watch

`server.py` puts all of it together.

Worked example: `kubectl label pod web-0 tier=front`.

1. `http.py` hands over a `Request`: PATCH /api/v1/namespaces/default/pods/web-0, a client certificate, a body.
2. `pipeline.py` learns from `request_info.py` that this is "patch pods web-0 in default", asks `auth` who sends it and
   whether they may, and `router.py` for the handler: `handlers/patch.py`.
3. `writing.py` takes the cached pod as a document, applies the patch, and walks the document through defaults,
   admission, the pod strategy and validation; `storage.py` encodes it once and puts it into the store, provided that
   nobody else has written since. If somebody has, all of this happens again with their version.
4. The store's event comes back through `watch_cache.py`, which puts the revision into the bytes. Every GET, LIST and
   watcher from now on is sent those same bytes.

What is others' to answer is passed on: by `handlers/proxy.py` to pods, Services and nodes, by `handlers/node_proxy.py`
(with `streams/`) to whoever runs a pod, by `aggregation/` to servers of other group versions; `proxying/` carries it.

What is not here: who is calling (`auth`), what policy says (`admission`), what a valid object is (`api`), durability
(`store`).
"""
