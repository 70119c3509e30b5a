"""Admission plug-ins that need more of the server than objects: another namespace, the authorizer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random

from controlplane.auth.interface import User
from controlplane.testing import memory_api
from controlplane.testing.memory import default_settings
from tests.integration.apiserver.conftest import Asker, Document, config_map

CONFIG_MAPS = "/api/v1/namespaces/{}/configmaps"
JANE = User("jane", groups=("system:authenticated",))
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings"
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"


@asynccontextmanager
async def serving(*plugins: str) -> AsyncIterator[Asker]:
    settings = default_settings()
    settings = replace(settings, security=replace(settings.security, enabled_plugins=plugins))
    async with memory_api(random=Random(7), settings=settings) as api:
        yield Asker(api)


async def test_a_namespace_comes_with_what_is_in_it() -> None:
    async with serving("NamespaceAutoProvision") as ask:
        dry = await ask("POST", CONFIG_MAPS.format("new"), config_map(), dryRun="All")
        assert (dry.status, dry.message) == (404, 'namespaces "new" not found')
        assert (await ask("POST", CONFIG_MAPS.format("new"), config_map())).status == 201
        assert (await ask("GET", "/api/v1/namespaces/new")).body["status"]["phase"] == "Active"


async def grant(ask: Asker, *rules: Document) -> None:
    group = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": {"name": "r"}, "rules": list(rules)}
    if (await ask("POST", ROLES, role)).status == 409:
        assert (await ask("PUT", f"{ROLES}/r", role)).status == 200
    bound = {"apiGroup": group, "kind": "Role", "name": "r"}
    subject = {"apiGroup": group, "kind": "User", "name": "jane"}
    binding = {"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": {"name": "b"}, "roleRef": bound}
    await ask("POST", BINDINGS, {**binding, "subjects": [subject]})
    await ask("GET", BINDINGS)  # the authorizer reads the cache, which is no older than what was answered from it


def rule(verb: str, resource: str, group: str = "") -> Document:
    return {"verbs": [verb], "resources": [resource], "apiGroups": [group]}


async def test_who_sets_an_owner_may_delete() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "u", "blockOwnerDeletion": True}
    body = config_map("owned", ownerReferences=[owner])
    path = CONFIG_MAPS.format("default")
    async with serving("OwnerReferencesPermissionEnforcement") as ask:
        await grant(ask, rule("create", "configmaps"))
        refused = await ask("POST", path, body, user=JANE)
        assert refused.status == 403
        assert "cannot set an ownerRef on a resource you can't delete: " in refused.message
        await grant(ask, rule("create", "configmaps"), rule("delete", "configmaps"))
        refused = await ask("POST", path, body, user=JANE)
        assert "refers to a resource you can't set finalizers on: " in refused.message
        finalizers = rule("update", "deployments/finalizers", "apps")
        await grant(ask, rule("create", "configmaps"), rule("delete", "configmaps"), finalizers)
        assert (await ask("POST", path, body, user=JANE)).status == 201
