"""One file a verb: each handler takes a Call that is authenticated and authorized, and returns an Answer.

Owns what a verb reads of its request and how its answer is put. Refuses to decide what may be written: `writing.py` and
`deletion.py` do, for all of them.

    GET    one, all, watch          get.py, list.py, watch.py; component_status.py for what is worked out when asked
    POST   an object, a question    create.py; question.py (`virtual/`), binding.py, eviction.py
    PUT, PATCH, DELETE              update.py, patch.py, delete.py; scale.py for the Scale of any kind
    whatever is another's           connecting.py ──► proxy.py to pods, Services and nodes; node_proxy.py: logs and exec

What is no write of an object is shown to policy by `admitting.py`.
"""
