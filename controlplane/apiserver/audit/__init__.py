"""Audit: who asked the server for what, and what it answered, as audit.k8s.io/v1 Events.

    policy.py     which level the first rule that matches gives a request: None, Metadata, Request, RequestResponse
    trail.py      what is noted of one request on its way, told at each stage
    event.py      the Event, as JSON or as a line of old;   objects.py  the bodies in it
    auditor.py    policy, sinks and metrics together
    log.py        a file that is rotated;   webhook.py  an HTTPS server;   batch.py  either, a batch at a time

Worked example: `kubectl delete secret db` under a rule `level: Metadata, resources: [{resources: [secrets]}]`.
RequestReceived is told when the caller is known, ResponseComplete when the answer is there, with the caller, the
secret's name, the status, and by which RBAC rule it was allowed: never with the secret.

Without a policy there is no Auditor, and a request pays for one comparison.
"""

from __future__ import annotations

from controlplane.apiserver.audit.auditor import Auditor, AuditSettings
from controlplane.apiserver.audit.policy import Policy, PolicyError, load_policy
from controlplane.apiserver.audit.trail import Trail

__all__ = ["AuditSettings", "Auditor", "Policy", "PolicyError", "Trail", "load_policy"]
