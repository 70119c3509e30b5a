"""Services on this node: from Services and EndpointSlices to iptables rules, in kube-proxy's chains.

A packet for a ClusterIP walks

    nat PREROUTING/OUTPUT ─► KUBE-SERVICES ─► KUBE-SVC-… (one service port: picks an endpoint) ─► KUBE-SEP-… (DNAT)
    nat POSTROUTING       ─► KUBE-POSTROUTING (masquerades what KUBE-MARK-MASQ marked on the way)

and one for a NodePort enters KUBE-SVC-… through KUBE-NODEPORTS and KUBE-EXT-…. A service port without endpoints has no
nat rules; the filter table rejects its packets, so that clients fail at once rather than wait.

    service_ports.py  Services ─► what to listen for
    endpoints.py      EndpointSlices ─► who may answer
    render.py         both ─► rules, one service port at a time
    delta.py          rules, old and new ─► what iptables-restore must be told
    stale.py          old and new ─► which UDP flows still go to somebody who is gone
    proxier.py        follows the API, applies, repairs

Everything but proxier.py is pure. It refuses to know pods: endpoints are addresses.
"""
