"""RoleBindings and ClusterRoleBindings: users, groups and roles are this API group's; service accounts are core's."""

from __future__ import annotations

from controlplane.api.codec import Document

GROUP = "rbac.authorization.k8s.io"


def default_binding(binding: Document) -> None:
    role = binding.setdefault("roleRef", {})
    role["apiGroup"] = role.get("apiGroup") or GROUP
    for subject in binding.get("subjects", ()):
        if subject.get("kind") in ("User", "Group"):
            subject["apiGroup"] = subject.get("apiGroup") or GROUP
