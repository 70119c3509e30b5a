"""PodSecurity: the three levels of the Pod Security Standards, by labels of the namespace.

    pod-security.kubernetes.io/enforce=restricted      pods that violate it are refused
    pod-security.kubernetes.io/warn=restricted         whoever makes a pod, or a workload of such pods, is warned
    pod-security.kubernetes.io/audit=restricted        the audit log says so
    …-version=v1.30                                    the standards as they were then; without it "latest"

    policy.py       what a namespace's labels ask for
    violations.py   what a check finds, in the words of messages
    baseline.py     the checks of level baseline, one function each
    restricted.py   those that level restricted has besides, or instead
    evaluate.py     which checks hold at a level and version, and all that they find in a pod
    plugin.py       pods, workloads and namespaces as they come by

Source: kubernetes.io/docs/concepts/security/pod-security-standards, as of v1.37.
"""

from __future__ import annotations

from controlplane.admission.pod_security.plugin import PodSecurity

__all__ = ["PodSecurity"]
