"""Which names a definition gets; a table of two definitions that want the same."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from controlplane.api.apiextensions_v1 import CustomResourceDefinition
from controlplane.api.codec import encode
from controlplane.apiserver.customresources.naming import Claim, claim_of, plan_names, with_condition

NOW, LATER = "2026-11-26T19:00:00Z", "2026-11-26T20:00:00Z"


def a_definition(plural: str, kind: str, uid: str, accepted: bool = False, **more: Any) -> CustomResourceDefinition:
    names = {"plural": plural, "kind": kind, "singular": kind.lower(), "listKind": f"{kind}List"} | more
    status = {"acceptedNames": names} if accepted else {}
    document = {
        "metadata": {"name": plural, "uid": uid},
        "spec": {"group": "example.com", "names": names},
        "status": status,
    }
    return msgspec.convert(document, CustomResourceDefinition)


def claims(*definitions: CustomResourceDefinition) -> list[Claim]:
    return [claim_of(encode(one)) for one in definitions]


WIDGETS = a_definition("widgets", "Widget", "1", accepted=True, shortNames=["wd"])


@pytest.mark.parametrize(
    ("second", "reason", "message"),
    [
        pytest.param(a_definition("gadgets", "Gadget", "2"), "NoConflicts", "no conflicts found", id="its own names"),
        pytest.param(a_definition("widgets", "Gadget", "2"), "PluralConflict", '"widgets" is already in use', id="the plural"),
        pytest.param(a_definition("wd", "Gadget", "2"), "PluralConflict", '"wd" is already in use', id="a short name as plural"),
        pytest.param(a_definition("gadgets", "Gadget", "2", singular="widget"), "SingularConflict", '"widget" is already in use', id="the singular"),
        pytest.param(a_definition("gadgets", "Gadget", "2", shortNames=["wd", "widgets"]), "ShortNamesConflict", '["wd" is already in use, "widgets" is already in use]', id="short names"),
        pytest.param(a_definition("gadgets", "Widget", "2", singular="g", listKind="Gs"), "KindConflict", '"Widget" is already in use', id="the kind"),
        pytest.param(a_definition("gadgets", "Gadget", "2", listKind="Widget"), "ListKindConflict", '"Widget" is already in use', id="the kind of lists"),
    ],
)  # fmt: skip
def test_second_come(second: CustomResourceDefinition, reason: str, message: str) -> None:
    conditions = {one.type: one for one in plan_names(second, claims(WIDGETS, second), NOW).conditions}
    accepted = conditions["NamesAccepted"]
    assert (accepted.reason, accepted.message) == (reason, message)
    assert conditions["Established"].status == ("True" if reason == "NoConflicts" else "False")


def test_another_group_has_names_of_its_own() -> None:
    other = msgspec.structs.replace(WIDGETS, spec=msgspec.structs.replace(WIDGETS.spec, group="example.org"))
    mine = a_definition("widgets", "Widget", "2")
    assert plan_names(mine, claims(other, mine), NOW).accepted_names == mine.spec.names


def test_who_is_settled_stays_so() -> None:
    status = plan_names(WIDGETS, claims(WIDGETS), NOW)
    settled = msgspec.structs.replace(WIDGETS, status=status)
    assert plan_names(settled, claims(settled), LATER) == status
    changed = with_condition(status, "Established", "True", "Other", "another reason", LATER)
    assert [one.last_transition_time for one in changed.conditions] == [NOW, NOW]


def test_a_group_of_the_project_itself_is_approved_of() -> None:
    document = msgspec.to_builtins(a_definition("widgets", "Widget", "1"))
    document["spec"]["group"] = "foo.k8s.io"
    document["metadata"]["annotations"] = {"api-approved.kubernetes.io": "https://example.com/1"}
    definition = msgspec.convert(document, CustomResourceDefinition)
    found = {one.type: (one.status, one.reason) for one in plan_names(definition, [], NOW).conditions}
    assert found["KubernetesAPIApprovalPolicyConformant"] == ("True", "ApprovedAnnotation")
