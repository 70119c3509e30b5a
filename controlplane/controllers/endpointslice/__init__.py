"""EndpointSlice: for every Service with a selector, where its pods answer and whether they are ready.

Owns the slices labelled as managed by it. Refuses to touch other slices, and to rewrite a slice that could stay as it
is: every write goes to every node.

    Service web (80 -> named port "http")
      pod a 10.244.1.5 http=8080 ready        ─┐
      pod b 10.244.2.7 http=8080 terminating   ├─► slice web-x7k2p  ports http 8080   a ready, b serving+terminating
      pod c 10.244.1.9 http=9090 ready        ──► slice web-q9f4t  ports http 9090   c ready

`desired.py` says which endpoints there should be, `plan.py` how to get there with the fewest changed slices.
"""
