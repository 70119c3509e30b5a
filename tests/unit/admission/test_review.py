"""What answers of webhooks mean, and which of them are none."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from controlplane.admission.webhooks.calling import refusal_of
from controlplane.admission.webhooks.review import InvalidReview, UnsupportedPatch, verdict, version_for
from controlplane.api.meta_v1 import Status

PATCH = [{"op": "add", "path": "/data/a", "value": "b"}]


def encoded(value: Any) -> str:
    return base64.b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).decode()


def answer(*, kind: str = "AdmissionReview", api_version: str = "admission.k8s.io/v1", **response: Any) -> bytes:
    body = {"kind": kind, "apiVersion": api_version, "response": {"uid": "1", "allowed": True, **response}}
    return json.dumps(body).encode()


def test_a_patch_is_decoded() -> None:
    told = verdict(
        answer(patch=encoded(PATCH), patchType="JSONPatch", warnings=["w"], auditAnnotations={"k": "v"}),
        "1", "v1", mutating=True,
    )  # fmt: skip
    assert (told.allowed, told.patch, told.warnings, told.annotations) == (True, PATCH, ["w"], {"k": "v"})


def test_an_empty_patch_changes_nothing() -> None:
    assert verdict(answer(patch=encoded([]), patchType="JSONPatch"), "1", "v1", mutating=True).patch is None


@pytest.mark.parametrize(
    ("body", "mutating", "why"),
    [
        (b"oops", True, "couldn't get version/kind; json parse error:"),
        (b"[]", True, "webhook response was absent"),
        (b'{"response": null}', True, "webhook response was absent"),
        (answer(uid="2"), True, 'expected response.uid="1", got "2"'),
        (answer(uid=None), True, 'expected response.uid="1", got ""'),
        (answer(kind="Other"), True, "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, "
                                     "got admission.k8s.io/v1, Kind=Other"),
        (answer(api_version=""), True, "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, "
                                       "got , Kind=AdmissionReview"),
        (answer(patch=encoded(PATCH)), True, "webhook returned response.patch but not response.patchType"),
        (answer(patchType="JSONPatch"), True, "webhook returned response.patchType but not response.patch"),
        (answer(patch=encoded(PATCH), patchType=""), True, 'webhook returned invalid response.patchType of ""'),
        (answer(patch=encoded(PATCH), patchType="JSONPatch"), False,
         "validating webhook may not return response.patch"),
        (answer(patchType="JSONPatch"), False, "validating webhook may not return response.patchType"),
        (answer(status={"code": "x"}), False, "json: cannot unmarshal response.status:"),
    ],
)  # fmt: skip
def test_answers_that_are_none(body: bytes, mutating: bool, why: str) -> None:
    with pytest.raises(InvalidReview) as raised:
        verdict(body, "1", "v1", mutating=mutating)
    assert str(raised.value).startswith(why)


@pytest.mark.parametrize(
    ("patch", "patch_type", "why"),
    [
        (encoded(PATCH), "MergePatch", 'unsupported patch type "MergePatch"'),
        ("!!", "JSONPatch", "received undecodable patch in webhook response:"),
        (encoded(b"oops"), "JSONPatch", "received undecodable patch in webhook response:"),
    ],
)
def test_patches_that_cannot_be_read(patch: str, patch_type: str, why: str) -> None:
    with pytest.raises(UnsupportedPatch) as raised:
        verdict(answer(patch=patch, patchType=patch_type), "1", "v1", mutating=True)
    assert str(raised.value).startswith(why)


def test_the_old_version_is_not_strict() -> None:
    body = json.dumps({"response": {"allowed": True, "patch": encoded(PATCH)}}).encode()
    assert verdict(body, "1", "v1beta1", mutating=True).patch == PATCH


@pytest.mark.parametrize(
    ("accepted", "version"), [(["v1"], "v1"), (["v2", "v1beta1", "v1"], "v1beta1"), (["v2"], ""), ([], "")]
)
def test_the_version_to_ask_in(accepted: list[str], version: str) -> None:
    assert version_for(accepted) == version


@pytest.mark.parametrize(
    ("said", "code", "reason", "message"),
    [
        (Status(), 400, "", 'admission webhook "w" denied the request without explanation'),
        (Status(reason="Why"), 400, "Why", 'admission webhook "w" denied the request: Why'),
        (Status(code=403, reason="R", message="m"), 403, "R", 'admission webhook "w" denied the request: m'),
        (Status(status="Success", code=200), 400, "", 'admission webhook "w" denied the request without explanation'),
    ],
)
def test_refusals(said: Status, code: int, reason: str, message: str) -> None:
    status = refusal_of("w", said).to_status()
    assert (status.status, status.code, status.reason, status.message) == ("Failure", code, reason, message)
