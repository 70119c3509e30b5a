"""metrics.k8s.io/v1beta1 without an add-on: what nodes and pods use, worked out when somebody asks.

    GET /apis/metrics.k8s.io/v1beta1/nodes ─► handlers/usage.py ─► scraper.py ─► https://NODE:10250/metrics/resource
                                                    │                  two readings a node
                                                    └─► rates.py ─► NodeMetrics, PodMetrics

    exposition.py   a node's page ─► one reading                        pure
    rates.py        two readings ─► CPU per second, memory              pure, metrics-server's rules
    scraper.py      asks nodes, and remembers the last two readings

Nothing is scraped while nobody asks. Owns the figures; refuses to keep a history, and to serve anything once an
APIService names a metrics server: the aggregator then passes the whole group version on before it comes here.
"""
