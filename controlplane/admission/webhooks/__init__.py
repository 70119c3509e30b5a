"""Admission by webhooks: programs outside that may change or refuse what is written.

Owns who is asked what, in which order, and what an answer, or none, means. Refuses to know how a question gets there:
that is `outside.WebhookCaller`.

configurations.py   MutatingWebhookConfiguration, ValidatingWebhookConfiguration ─► hooks, read once a change
matching.py         which hooks a request is for
review.py           AdmissionReview: the question as bytes, the answer as a verdict
calling.py          one question to one hook, with its failure policy, metrics, warnings
mutating.py         one hook after another, each seeing what the one before made of the object
validating.py       all hooks at once

Worked example: a pod is created, and hook `inject` is for pods. Its answer has a patch that adds a container; plug-ins
run once more over the pod as it is now, with those hooks that say `reinvocationPolicy: IfNeeded`. Had it not answered
in time, `failurePolicy: Fail` would refuse the pod (500), `Ignore` would let it pass as it was.
"""

from __future__ import annotations

from controlplane.admission.webhooks.mutating import MutatingWebhooks
from controlplane.admission.webhooks.validating import ValidatingWebhooks

__all__ = ["MutatingWebhooks", "ValidatingWebhooks"]
