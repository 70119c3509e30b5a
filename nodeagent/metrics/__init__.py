"""What this node and its containers use, in the three forms that tools ask for.

    usage.py     one reading of the runtime and of the machine, as frozen values
    cadvisor.py  reading ─► /metrics/cadvisor   (Prometheus, cAdvisor's names; dashboards)
    resource.py  reading ─► /metrics/resource   (Prometheus, few and cheap; kubectl top's metrics server)
    summary.py   reading ─► /stats/summary      (JSON, the Summary API)
    kubelet.py   the agent's own figures: operations, pod starts, certificates ─► /metrics

The renderers are pure. It refuses to keep history: whoever scrapes does.
"""
