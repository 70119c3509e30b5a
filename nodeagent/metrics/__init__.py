"""What this node and its containers use, in the three forms that tools ask for.

    usage.py     one reading of the runtime, of the kernel and of the machine, as frozen values
    rates.py     two readings ─► cores in use now
    files.py     what files take of the disk: slow to find out, so remembered for a minute and for the Summary API only
    cadvisor.py  reading ─► /metrics/cadvisor   (Prometheus, cAdvisor's names; dashboards)
    resource.py  reading ─► /metrics/resource   (Prometheus, few and cheap; kubectl top)
    summary.py   reading ─► /stats/summary      (JSON, the Summary API)
    kubelet.py   the agent's own figures: operations, pod starts, certificates ─► /metrics

The renderers and rates are pure. It keeps no more history than a rate needs: whoever scrapes does.
"""
