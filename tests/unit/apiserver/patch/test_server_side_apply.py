"""Server-side apply and the memory of who set what, as stories of several managers and one Deployment."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from controlplane.api.apps_v1 import Deployment
from controlplane.api.core_v1 import ConfigMap, Pod, Service
from controlplane.api.status import BadRequest, Conflict
from controlplane.apiserver.openapi.facts import ATOMIC
from controlplane.apiserver.openapi.schemas import full_name
from controlplane.apiserver.patch import default_manager, server_side_apply, track_update
from controlplane.apiserver.patch.schema import ATOMIC_TYPES, schema_of

T1, T2 = "2026-11-21T06:00:00Z", "2026-11-21T07:00:00Z"


def deployment(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def with_containers(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return deployment(template={"spec": {"containers": list(containers)}}, **spec)


def apply(
    live: dict[str, Any], wanted: Any, manager: str = "ci", force: bool = False, time: str = T1, **more: Any
) -> Any:
    before = deepcopy(live)
    result = server_side_apply(live, wanted, schema_of(Deployment), manager=manager, force=force, time=time, **more)
    assert live == before, "the live object is somebody else's"
    return result


def update(old: Any, change: Any, manager: str = "kubectl", time: str = T1, subresource: str = "") -> Any:
    new = deepcopy(old) | deepcopy(change)
    track_update(new, old, manager, subresource, time, schema_of(Deployment))
    return new


def created(document: Any, manager: str = "kubectl", type_: Any = Deployment) -> Any:
    new = deepcopy(document)
    track_update(new, None, manager, "", T1, schema_of(type_))
    return new


def fields(document: Any, manager: str) -> Any:
    entries = document["metadata"].get("managedFields", [])
    return next((entry["fieldsV1"] for entry in entries if entry["manager"] == manager), None)


WEB = {"name": "web", "image": "nginx:1"}
K_WEB = 'k:{"name":"web"}'


class TestApply:
    def test_a_new_object_is_the_configuration(self) -> None:
        result = apply({}, with_containers(WEB, replicas=3))
        assert result["spec"] == with_containers(WEB, replicas=3)["spec"]
        assert result["metadata"]["managedFields"] == [
            {
                "manager": "ci",
                "operation": "Apply",
                "apiVersion": "apps/v1",
                "time": T1,
                "fieldsType": "FieldsV1",
                "fieldsV1": {
                    "f:spec": {
                        "f:replicas": {},
                        "f:template": {"f:spec": {"f:containers": {K_WEB: {".": {}, "f:image": {}, "f:name": {}}}}},
                    }
                },
            }
        ]

    def test_applying_the_same_again_changes_nothing(self) -> None:
        once = apply({}, with_containers(WEB, replicas=3))
        assert apply(once, with_containers(WEB, replicas=3), time=T2) == once

    def test_what_is_no_longer_wanted_goes_and_defaults_stay(self) -> None:
        live = apply({}, with_containers(WEB | {"tty": True}, replicas=3, paused=True))
        live["spec"]["progressDeadlineSeconds"] = 600  # a default: nobody's
        result = apply(live, with_containers(WEB, replicas=3), time=T2)
        assert result["spec"] == with_containers(WEB, replicas=3, progressDeadlineSeconds=600)["spec"]

    def test_a_container_no_longer_wanted_goes_with_its_defaults(self) -> None:
        live = apply({}, with_containers(WEB, {"name": "log", "image": "log:1"}))
        live["spec"]["template"]["spec"]["containers"][1]["imagePullPolicy"] = "Always"
        assert apply(live, with_containers(WEB))["spec"]["template"]["spec"]["containers"] == [WEB]

    def test_what_two_want_stays_until_both_let_go(self) -> None:
        live = apply({}, deployment(replicas=3, paused=True), "one")
        live = apply(live, deployment(replicas=3), "two")
        live = apply(live, deployment(), "one")
        assert live["spec"] == {"replicas": 3}
        assert apply(live, deployment(), "two").get("spec") is None

    def test_a_map_emptied_goes(self) -> None:
        wanted = deployment() | {"metadata": {"name": "web", "labels": {"a": "1"}}}
        assert "labels" not in apply(apply({}, wanted), deployment())["metadata"]

    def test_elements_of_others_keep_their_places(self) -> None:
        live = created(with_containers({"name": "a"}, {"name": "b"}))
        result = apply(live, with_containers({"name": "b", "tty": True}, {"name": "c"}))
        assert result["spec"]["template"]["spec"]["containers"] == [
            {"name": "a"},
            {"name": "b", "tty": True},
            {"name": "c"},
        ]

    def test_an_atomic_object_is_replaced(self) -> None:
        live = apply({}, deployment(selector={"matchLabels": {"a": "1"}}))
        result = apply(live, deployment(selector={"matchLabels": {"b": "1"}}))
        assert result["spec"]["selector"] == {"matchLabels": {"b": "1"}}
        assert fields(result, "ci") == {"f:spec": {"f:selector": {}}}

    def test_status_is_applied_at_its_own_door(self) -> None:
        wanted = deployment(replicas=3) | {"status": {"replicas": 9}}
        assert "status" not in apply({}, wanted)
        result = apply(created(deployment(replicas=1)), wanted, subresource="status")
        assert (result["spec"], result["status"]) == ({"replicas": 1}, {"replicas": 9})

    def test_managed_fields_cannot_be_applied(self) -> None:
        with pytest.raises(BadRequest, match="managedFields must be nil"):
            apply({}, {"metadata": {"managedFields": [{"manager": "x"}]}})

    def test_two_elements_of_one_name_are_refused(self) -> None:
        with pytest.raises(BadRequest):
            apply(created(with_containers(WEB)), with_containers(WEB, WEB))

    def test_ports_are_told_apart_by_protocol_which_is_tcp_when_absent(self) -> None:
        def service(*ports: Any) -> Any:
            return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": list(ports)}}

        live = created(service({"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}), type_=Service)
        wanted = service({"port": 53, "name": "dns"})
        result = server_side_apply(live, wanted, schema_of(Service), manager="ci", force=False, time=T1)
        assert result["spec"]["ports"] == [
            {"port": 53, "protocol": "TCP", "name": "dns"},
            {"port": 53, "protocol": "UDP"},
        ]


class TestConflicts:
    def test_one(self) -> None:
        live = created(with_containers(WEB, replicas=3))
        with pytest.raises(Conflict) as refused:
            apply(live, deployment(replicas=5))
        assert refused.value.message == (
            'Apply failed with 1 conflict: conflict with "kubectl" using apps/v1: .spec.replicas'
        )
        assert refused.value.details is not None
        (cause,) = refused.value.details.causes
        assert (cause.reason, cause.field, cause.message) == (
            "FieldManagerConflict",
            ".spec.replicas",
            'conflict with "kubectl" using apps/v1',
        )

    def test_many(self) -> None:
        live = apply({}, with_containers(WEB), "pipeline")
        live = update(live, {"spec": {**live["spec"], "replicas": 3}}, subresource="scale")
        with pytest.raises(Conflict) as refused:
            apply(live, with_containers(WEB | {"image": "nginx:2"}, replicas=5))
        assert refused.value.message == (
            "Apply failed with 2 conflicts: "
            'conflicts with "kubectl" with subresource "scale" using apps/v1:\n- .spec.replicas\n'
            'conflicts with "pipeline":\n- .spec.template.spec.containers[name="web"].image'
        )

    def test_the_same_value_is_no_conflict_but_shared(self) -> None:
        live = apply(created(deployment(replicas=3)), deployment(replicas=3))
        assert fields(live, "kubectl") == fields(live, "ci") == {"f:spec": {"f:replicas": {}}}

    def test_force_takes_over(self) -> None:
        live = apply(created(deployment(replicas=3, paused=True)), deployment(replicas=5), force=True)
        assert live["spec"]["replicas"] == 5
        assert fields(live, "ci") == {"f:spec": {"f:replicas": {}}}
        assert fields(live, "kubectl") == {"f:spec": {"f:paused": {}}}


class TestUpdate:
    def test_a_creation_is_managed_as_a_whole(self) -> None:
        document = with_containers(WEB, replicas=3, strategy={"rollingUpdate": {"maxSurge": 1}})
        document["metadata"] |= {"labels": {"app": "web"}, "uid": "u", "resourceVersion": "1"}
        assert fields(created(document), "kubectl") == {
            "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
            "f:spec": {
                "f:replicas": {},
                "f:strategy": {"f:rollingUpdate": {".": {}, "f:maxSurge": {}}},
                "f:template": {"f:spec": {"f:containers": {".": {}, K_WEB: {".": {}, "f:image": {}, "f:name": {}}}}},
            },
        }

    def test_who_changes_a_field_takes_it(self) -> None:
        live = update(
            created(deployment(replicas=3, paused=True)), {"spec": {"replicas": 5, "paused": True}}, "hpa", T2
        )
        assert fields(live, "hpa") == {"f:spec": {"f:replicas": {}}}
        assert fields(live, "kubectl") == {"f:spec": {"f:paused": {}}}
        assert [entry["time"] for entry in live["metadata"]["managedFields"]] == [T1, T2]

    def test_who_removes_a_field_takes_it_from_everybody(self) -> None:
        live = update(created(deployment(replicas=3, paused=True)), {"spec": {"replicas": 3}}, "hpa")
        assert fields(live, "hpa") is None
        assert fields(live, "kubectl") == {"f:spec": {"f:replicas": {}}}

    def test_nothing_changed_nothing_moves_and_what_the_client_says_is_ignored(self) -> None:
        live = created(deployment(replicas=3))
        forged = {"metadata": {"name": "web", "managedFields": [{"manager": "forged", "fieldsV1": {"f:spec": {}}}]}}
        assert update(live, forged, "other", T2) == live

    def test_an_empty_entry_forgets_everybody(self) -> None:
        live = created(deployment(replicas=3))
        assert "managedFields" not in update(live, {"metadata": {"name": "web", "managedFields": [{}]}})["metadata"]

    def test_status_has_a_manager_of_its_own(self) -> None:
        live = update(created(deployment(replicas=3)), {"status": {"replicas": 1}}, subresource="status")
        assert [(entry["manager"], entry.get("subresource")) for entry in live["metadata"]["managedFields"]] == [
            ("kubectl", None),
            ("kubectl", "status"),
        ]

    def test_lists_without_names_for_their_elements_are_one_value(self) -> None:
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"tolerations": [{"key": "a"}]}}
        assert fields(created(pod, type_=Pod), "kubectl") == {"f:spec": {"f:tolerations": {}}}

    def test_sets_are_owned_value_by_value(self) -> None:
        old = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "finalizers": ["a"]}}
        new = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "finalizers": ["a", "b"]}}
        track_update(new, old, "gc", "", T1, schema_of(ConfigMap))
        assert fields(new, "gc") == {"f:metadata": {"f:finalizers": {'v:"b"': {}}}}


def test_an_update_then_an_apply_of_the_same_manager_are_two_entries() -> None:
    live = apply(created(deployment(replicas=3), "kubectl"), deployment(replicas=3), "kubectl")
    assert [entry["operation"] for entry in live["metadata"]["managedFields"]] == ["Apply", "Update"]


@pytest.mark.parametrize(
    ("user_agent", "manager"),
    [("kubectl/v1.37.1 (linux/amd64)", "kubectl"), ("", ""), ("curl", "curl"), ("a\tb/1", "ab")],
)
def test_default_manager(user_agent: str, manager: str) -> None:
    assert default_manager(user_agent) == manager


def test_atomic_types_are_those_the_documentation_announces() -> None:
    assert {full_name(type_) for type_ in ATOMIC_TYPES} <= set(ATOMIC)
