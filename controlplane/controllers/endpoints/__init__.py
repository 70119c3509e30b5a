"""Endpoints, the older form of EndpointSlice: one object a Service, at most 1,000 addresses, one family.

Owns the Endpoints of every Service with a selector, and deletes them with the Service. Refuses to touch those of
Services without one: users keep them by hand.

    pod a 10.244.1.5 ready, pod b 10.244.2.7 not ready, both http=8080
      subsets: [{addresses: [10.244.1.5], notReadyAddresses: [10.244.2.7], ports: [http 8080]}]

Pods with the same ports share a subset. Most programs read slices; what still reads Endpoints expects this shape.
"""
