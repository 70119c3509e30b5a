"""What cluster policy changes in, or refuses of, an object on its way to the store. Stores nothing itself.

    request ─► defaults ─► strategy.prepare ─► Chain.mutate ─► typed, validated ─► Chain.validate ─► store
                                               every plug-in,                      every plug-in,
                                               in this order:                      in the same order

NamespaceLifecycle, LimitRanger, ServiceAccount, NodeRestriction, TaintNodesByCondition, Priority,
DefaultTolerationSeconds, CertificateApproval, CertificateSigning, CertificateSubjectRestriction, ResourceQuota:
upstream's order. Cheap refusals come first, and ResourceQuota last: it counts what the others have decided.

A plug-in a file; each decides from the request and from objects in memory (`api.reader`), and does no I/O.
"""

from __future__ import annotations
