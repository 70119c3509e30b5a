"""Admission by webhooks: programs outside that may change or refuse what is written.

configurations.py   MutatingWebhookConfiguration, ValidatingWebhookConfiguration ─► hooks, read once a change
matching.py         which hooks a request is for
review.py           AdmissionReview: the question as bytes, the answer as a verdict
calling.py          one question to one hook, with its failure policy, metrics, warnings
mutating.py         one hook after another, each seeing what the one before made of the object
validating.py       all hooks at once
"""

from __future__ import annotations

from controlplane.admission.webhooks.mutating import MutatingWebhooks
from controlplane.admission.webhooks.validating import ValidatingWebhooks

__all__ = ["MutatingWebhooks", "ValidatingWebhooks"]
