"""API aggregation: group versions that other servers serve, behind this server's address, names and permissions.

    APIService v1beta1.metrics.k8s.io ──► Service kube-system/metrics-server

    a request for /apis/metrics.k8s.io/v1beta1/… ──► aggregator.py ──► proxying/ ──► X-Remote-User: jane …
    what is asked of everybody at once               discovery.py, openapi.py       merged from all servers
    whether a server answers                         availability.py decides, controller.py asks, every 30 s
    APIServices of what we serve ourselves           registration.py, priorities.py

The caller is authenticated and authorized here, once; the extension server believes the headers because our front-proxy
certificate vouches for them, which it checks by the ConfigMap that `trust.py` keeps.

Owns the conditions of APIServices, and the APIServices that carry the label `automanaged`. Refuses to look into what it
carries.
"""
