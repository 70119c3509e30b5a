"""The cluster's names, answered on every node from informer caches; all other names go to the node's own resolvers.

Every node answers at the DNS Service's address (10.96.0.10) itself: the address lies on its loopback interface, so a
query never leaves the node, and no other node's trouble is a pod's DNS trouble.

    my-svc.my-ns.svc.cluster.local              A, AAAA     the ClusterIP; headless: each endpoint; ExternalName: CNAME
    _http._tcp.my-svc.my-ns.svc.cluster.local   SRV         named ports
    pod-0.my-svc.my-ns.svc.cluster.local        A, AAAA     an endpoint's hostname
    10-244-1-7.my-ns.pod.cluster.local          A, AAAA     the address that the name spells
    7.1.244.10.in-addr.arpa                     PTR         back to a Service or an endpoint

    message.py  the wire format (RFC 1035, 2782, 6891)      zone.py    question + caches ─► answer: pure
    forward.py  everything outside the cluster              server.py  UDP and TCP

The names are those of the Kubernetes DNS specification 1.1. It refuses to know pods.
"""
