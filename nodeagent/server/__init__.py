"""The node's HTTPS API on port 10250, as upstream's kubelet serves it: logs, exec, port-forward, metrics, health.

    kubectl logs -f ──► API server ──GET /containerLogs/NS/POD/C──► log_reader.py ─ follows the file
    kubectl exec    ──► API server ──WebSocket /exec/NS/POD/C ────► streams.py ═ SPDY ═► containerd (loopback)
    kubectl port-forward ► API server ─WebSocket /portForward/NS/POD ► port_forward.py ─► a socket in the pod's netns
    an operator ────────────────────GET /logs/syslog ─────────────► node_logs.py ─ /var/log, and nothing outside of it
    Prometheus ─────────────────────GET /metrics, /metrics/cadvisor, …► pages given by cmd

Every request is authenticated (a certificate of the cluster's CA, or a token by TokenReview) and authorized as an
access to this node (`nodes/proxy`, `nodes/log`, `nodes/stats`, `nodes/metrics`, …) by SubjectAccessReview; only
/healthz needs no asking. The room decides nothing about pods: it asks `pods.agent.PodAgent` and the runtime.
"""
