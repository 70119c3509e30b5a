"""The pod network: a VXLAN overlay built from Node objects, as flannel's vxlan backend builds it.

Each node owns a /24 of the pod network (Node.spec.podCIDRs) and announces, as annotations on its own Node, the MAC
address of its tunnel device. From everybody's announcements every node derives three entries for each peer:

    route       10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink    which way to the peer's pods
    neighbour   10.244.2.0 is at 0a:…:02                             no ARP crosses the tunnel
    forwarding  0a:…:02 is behind 192.168.56.12                      where the tunnel's packets go

`plan.py` decides all of it purely; `apply.py` compares it with the kernel and repairs the difference; `mtu.py`,
`cni.py` and `masquerade.py` compute what pods get. It refuses to know about pods or Services.
"""
