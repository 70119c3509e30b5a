"""Jobs and CronJobs, from what a client sends to what is stored or said to be wrong."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from controlplane.api.codec import from_document
from controlplane.api.resources import BY_KIND
from controlplane.apiserver.strategies import Caller, strategy_for

Document = dict[str, Any]

UID = "8f6a3d1c-0000-4000-8000-000000000001"
TEMPLATE: Document = {"spec": {"containers": [{"name": "a", "image": "busybox"}], "restartPolicy": "Never"}}


def created(kind: str, spec: Document, name: str = "pi", **metadata: Any) -> Document:
    """Return a document as it would be stored."""
    strategy = strategy_for(BY_KIND["batch/v1", kind])
    document = {"metadata": {"name": name, "namespace": "shop", "uid": UID, **metadata}, "spec": copy.deepcopy(spec)}
    strategy.default(document)
    strategy.prepare_create(document, Caller("jane"))
    return document


def job(**spec: Any) -> Document:
    return {"template": TEMPLATE, **spec}


def cron_job(**spec: Any) -> Document:
    return {"schedule": "*/5 * * * *", "jobTemplate": {"spec": {"template": TEMPLATE}}, **spec}


def refusals(kind: str, spec: Document, name: str = "pi") -> list[str]:
    resource = BY_KIND["batch/v1", kind]
    found = strategy_for(resource).validate(from_document(created(kind, spec, name), resource.type))
    return [error.text for error in found]


def update_refusals(new: Document, old: Document, subresource: str = "") -> list[str]:
    resource = BY_KIND["batch/v1", "Job"]
    strategy = strategy_for(resource)
    new, old = copy.deepcopy(new), copy.deepcopy(old)
    for document in (new, old):
        document["metadata"]["resourceVersion"] = "7"
    if subresource:
        strategy.prepare_subresource_update(subresource, new, old)
    else:
        strategy.prepare_update(new, old)
    objects = from_document(new, resource.type), from_document(old, resource.type)
    if subresource:
        return [error.text for error in strategy.validate_subresource_update(subresource, *objects)]
    return [error.text for error in strategy.validate_update(*objects)]


def test_a_job_selects_the_pods_it_labels() -> None:
    document = created("Job", job())
    labels = {
        "batch.kubernetes.io/controller-uid": UID,
        "batch.kubernetes.io/job-name": "pi",
        "controller-uid": UID,
        "job-name": "pi",
    }
    assert document["spec"]["template"]["metadata"]["labels"] == labels
    assert document["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": UID}}
    assert document["metadata"]["labels"] == labels
    assert document["metadata"]["generation"] == 1


def test_labels_of_its_own_stay() -> None:
    assert created("Job", job(), labels={"mine": "yes"})["metadata"]["labels"] == {"mine": "yes"}


def test_another_attempt_at_a_name_is_labelled_with_that_name() -> None:
    document = created("Job", job(), name="pi-aaaaa", generateName="pi-")
    document["metadata"]["name"] = "pi-bbbbb"
    strategy_for(BY_KIND["batch/v1", "Job"]).prepare_create(document, Caller("jane"))
    for labels in (document["spec"]["template"]["metadata"]["labels"], document["metadata"]["labels"]):
        assert labels["job-name"] == labels["batch.kubernetes.io/job-name"] == "pi-bbbbb"


def test_what_is_behind_a_shut_gate_is_not_kept() -> None:
    assert "scheduling" not in created("Job", job(scheduling={"schedulingPolicy": {}}))["spec"]


def test_a_manual_selector_is_left_alone() -> None:
    template = {**TEMPLATE, "metadata": {"labels": {"a": "b"}}}
    spec = job(manualSelector=True, selector={"matchLabels": {"a": "b"}}, template=template)
    assert created("Job", spec)["spec"]["selector"] == {"matchLabels": {"a": "b"}}
    assert refusals("Job", spec) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, {"completions": 1, "parallelism": 1, "backoffLimit": 6}, id="one pod"),
        pytest.param({"parallelism": 3}, {"completions": None, "parallelism": 3}, id="a work queue"),
        pytest.param({"completions": 3}, {"completions": 3, "parallelism": 1}, id="three in a row"),
        pytest.param(
            {"completionMode": "Indexed", "completions": 2, "backoffLimitPerIndex": 1},
            {"backoffLimit": 2147483647},
            id="a limit for each index",
        ),
        pytest.param(
            {}, {"completionMode": "NonIndexed", "suspend": False, "manualSelector": False}, id="what is not said"
        ),
        pytest.param({}, {"podReplacementPolicy": "TerminatingOrFailed"}, id="replaced at once"),
        pytest.param({"podFailurePolicy": {"rules": []}}, {"podReplacementPolicy": "Failed"}, id="judged before"),
    ],
)
def test_defaults_of_a_job(spec: Document, expected: Document) -> None:
    found = created("Job", job(**spec))["spec"]
    assert {name: found.get(name) for name in expected} == expected


def test_the_job_in_a_cron_job_waits_for_its_defaults() -> None:
    spec = created("CronJob", cron_job())["spec"]
    assert spec["jobTemplate"]["spec"].keys() == {"template"}
    assert spec["jobTemplate"]["spec"]["template"]["spec"]["dnsPolicy"] == "ClusterFirst"
    found = {name: spec[name] for name in spec if name not in ("jobTemplate", "schedule")}
    assert found == {
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    }


def rules(*found: Document) -> Document:
    return {"podFailurePolicy": {"rules": list(found)}}


INDEXED = {"completionMode": "Indexed", "completions": 5, "parallelism": 5}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, [], id="fine"),
        pytest.param(
            {"parallelism": -1},
            ["spec.parallelism: Invalid value: -1: must be greater than or equal to 0"],
            id="fewer than none",
        ),
        pytest.param(
            {"template": {"spec": {"containers": [{"name": "a", "image": "a"}]}}},
            ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
            id="no restart policy",
        ),
        pytest.param(
            {"completionMode": "Odd"},
            ['spec.completionMode: Unsupported value: "Odd": supported values: "NonIndexed", "Indexed"'],
            id="mode",
        ),
        pytest.param(
            {"completionMode": "Indexed", "parallelism": 2},
            ["spec.completions: Required value: when completion mode is Indexed"],
            id="how many indexes",
        ),
        pytest.param(
            {"backoffLimitPerIndex": 1},
            ["spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"],
            id="no indexes to limit",
        ),
        pytest.param(
            {**INDEXED, "maxFailedIndexes": 6, "backoffLimitPerIndex": 1},
            ["spec.maxFailedIndexes: Invalid value: 6: must be less than or equal to completions"],
            id="more failures than indexes",
        ),
        pytest.param(
            {**INDEXED, "maxFailedIndexes": 1},
            ["spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified"],
            id="failed indexes without a limit of each",
        ),
        pytest.param(
            {"completionMode": "Indexed", "completions": 100_001, "parallelism": 10_001, "backoffLimitPerIndex": 1},
            [
                "spec.maxFailedIndexes: Required value: must be specified when completions is above 100000",
                "spec.parallelism: Invalid value: 10001: must be less than or equal to 10000 when completions are "
                "above 100000 and used with backoff limit per index",
            ],
            id="more than a status has room for",
        ),
        pytest.param(
            {"managedBy": "me"},
            ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'],
            id="managed by somebody without a domain",
        ),
        pytest.param(
            rules({"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [1]}}),
            [
                'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the '
                "backoffLimitPerIndex to be set"
            ],
            id="no index to fail",
        ),
        pytest.param(
            rules({"action": "FailJob", "onExitCodes": {"operator": "In", "values": [2, 0, 2], "containerName": "z"}}),
            [
                'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "z": must be one of the '
                "container or initContainer names in the pod template",
                "spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In "
                "operator",
                "spec.podFailurePolicy.rules[0].onExitCodes.values[2]: Duplicate value: 2",
                "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,0,2]: must be ordered",
            ],
            id="exit codes",
        ),
        pytest.param(
            rules({"action": "Ignore"}),
            [
                "spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is "
                "required"
            ],
            id="a rule about nothing",
        ),
        pytest.param(
            {**rules(), "template": {"spec": {**TEMPLATE["spec"], "restartPolicy": "OnFailure"}}},
            [
                'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when '
                "podFailurePolicy is specified"
            ],
            id="restarted before they are judged",
        ),
        pytest.param(
            {**rules(), "podReplacementPolicy": "TerminatingOrFailed"},
            ['spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"'],
            id="replaced before they are judged",
        ),
        pytest.param(
            {**INDEXED, "successPolicy": {"rules": [{"succeededIndexes": "0,5"}]}},
            [
                'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0,5": error parsing succeededIndexes: '
                'too large index: "5"'
            ],
            id="an index too far",
        ),
        pytest.param(
            {**INDEXED, "successPolicy": {"rules": [{"succeededIndexes": "1-2", "succeededCount": 3}]}},
            [
                "spec.successPolicy.rules[0].succeededCount: Invalid value: 3: must be less than or equal to 2 (the "
                "number of indexes in the specified succeededIndexes field)"
            ],
            id="more successes than indexes",
        ),
        pytest.param(
            {"template": {**TEMPLATE, "metadata": {"labels": {"job-name": "other"}}}},
            ["spec.template.metadata.labels[job-name]: Invalid value: "],
            id="a name that is not its own",
        ),
    ],
)
def test_job_refusals(spec: Document, expected: list[str]) -> None:
    found = refusals("Job", job(**spec))
    assert len(found) == len(expected), found
    for text, start in zip(found, expected, strict=True):
        assert text.startswith(start)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, [], id="fine"),
        pytest.param({"schedule": ""}, ["spec.schedule: Required value"], id="never"),
        pytest.param(
            {"schedule": "5"},
            ['spec.schedule: Invalid value: "5": expected exactly 5 fields, found 1: [5]'],
            id="too short",
        ),
        pytest.param(
            {"schedule": "TZ=UTC 0 * * * *"},
            [
                'spec.schedule: Invalid value: "TZ=UTC 0 * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone '
                "field instead"
            ],
            id="time zone in the schedule",
        ),
        pytest.param({"timeZone": "Europe/Berlin"}, [], id="a time zone"),
        pytest.param(
            {"timeZone": "Mars/Base"},
            ['spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base'],
            id="none on earth",
        ),
        pytest.param(
            {"timeZone": "../etc/passwd"},
            ['spec.timeZone: Invalid value: "../etc/passwd": unknown time zone ../etc/passwd'],
            id="not even a zone",
        ),
        pytest.param(
            {"timeZone": "Local"},
            [
                'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in '
                "https://www.iana.org/time-zones"
            ],
            id="wherever that is",
        ),
        pytest.param(
            {"concurrencyPolicy": "Maybe"},
            ['spec.concurrencyPolicy: Unsupported value: "Maybe": supported values: "Allow", "Forbid", "Replace"'],
            id="policy",
        ),
        pytest.param(
            {"jobTemplate": {"spec": job(manualSelector=True)}},
            ['spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"'],
            id="each Job has its own selector",
        ),
    ],
)
def test_cron_job_refusals(spec: Document, expected: list[str]) -> None:
    assert refusals("CronJob", cron_job(**spec)) == expected


def test_a_cron_job_leaves_room_for_the_time_in_names() -> None:
    name = "a" * 53
    assert refusals("CronJob", cron_job(), name) == [
        f'metadata.name: Invalid value: "{name}": must be no more than 52 characters'
    ]


@pytest.mark.parametrize(
    ("spec", "change", "expected"),
    [
        pytest.param({}, {"completions": 1, "parallelism": 3, "suspend": True}, [], id="parallelism and suspension"),
        pytest.param(
            {"completions": 2},
            {"completions": 3},
            ["spec.completions: Invalid value: 3: field is immutable"],
            id="completions",
        ),
        pytest.param(INDEXED, {"completions": 3, "parallelism": 3}, [], id="an elastic job"),
        pytest.param(
            INDEXED,
            {"completions": 3},
            ["spec.completions: Invalid value: 3: can only be modified in tandem with spec.parallelism"],
            id="half elastic",
        ),
        pytest.param(
            {},
            {"template": {"spec": {**TEMPLATE["spec"], "nodeSelector": {"a": "b"}}}},
            ["spec.template: Invalid value: "],
            id="where it runs",
        ),
        pytest.param(
            {"suspend": True},
            {"template": {"spec": {**TEMPLATE["spec"], "nodeSelector": {"a": "b"}}}},
            [],
            id="where it will run",
        ),
        pytest.param(
            {"suspend": True},
            {
                "template": {
                    "spec": {
                        "restartPolicy": "Never",
                        "containers": [{"name": "a", "image": "busybox", "resources": {"limits": {"cpu": "1"}}}],
                    }
                }
            },
            [],
            id="how much it will need",
        ),
    ],
)
def test_job_updates(spec: Document, change: Document, expected: list[str]) -> None:
    old = created("Job", job(**spec))
    new = created("Job", job(**{**spec, **change}))
    found = update_refusals(new, old)
    assert len(found) == len(expected), found
    for text, start in zip(found, expected, strict=True):
        assert text.startswith(start)


def condition(type_: str) -> Document:
    return {"type": type_, "status": "True"}


STARTED = {"startTime": "2026-01-01T00:00:00Z"}
DONE = {
    **STARTED,
    "completionTime": "2026-01-01T00:01:00Z",
    "succeeded": 1,
    "conditions": [condition("SuccessCriteriaMet"), condition("Complete")],
}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(STARTED, DONE, [], id="done"),
        pytest.param(
            STARTED,
            {**DONE, "active": 1},
            ["status.active: Invalid value: 1: active>0 is invalid for finished job"],
            id="done, but at work",
        ),
        pytest.param(
            STARTED,
            {**DONE, "conditions": [condition("Complete")]},
            [
                "status.conditions: Invalid value: cannot set Complete=True condition without the "
                "SuccessCriteriaMet=true condition"
            ],
            id="no warning",
        ),
        pytest.param(
            DONE,
            {**DONE, "conditions": [condition("SuccessCriteriaMet")]},
            [
                'status.completionTime: Invalid value: "2026-01-01T00:01:00Z": cannot set completionTime when there '
                "is no Complete=True condition",
                "status.conditions: Invalid value: cannot disable the terminal Complete=True condition",
            ],
            id="not done after all",
        ),
        pytest.param(
            {"failed": 2},
            {"failed": 1},
            ["status.failed: Invalid value: 1: cannot decrease the failed counter"],
            id="one failure less",
        ),
        pytest.param(
            {},
            {"completedIndexes": "0"},
            [
                'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed '
                "completion mode"
            ],
            id="indexes of a job without",
        ),
        pytest.param(
            {},
            {"uncountedTerminatedPods": {"succeeded": ["u", "u"], "failed": [""]}},
            [
                'status.uncountedTerminatedPods.succeeded[1]: Duplicate value: "u"',
                'status.uncountedTerminatedPods.failed[0]: Invalid value: "": must not be empty',
            ],
            id="counted twice",
        ),
        pytest.param(
            STARTED,
            {},
            ["status.startTime: Required value: startTime cannot be removed for unsuspended job"],
            id="never started",
        ),
    ],
)
def test_job_status(old: Document, new: Document, expected: list[str]) -> None:
    stored = created("Job", job())
    assert update_refusals({**stored, "status": new}, {**stored, "status": old}, "status") == expected


def test_warnings() -> None:
    resource = BY_KIND["batch/v1", "Job"]
    strategy = strategy_for(resource)
    spec = job(completionMode="Indexed", completions=100_001, parallelism=10_001)
    new = from_document(created("Job", spec, "a.b"), resource.type)
    assert strategy.warnings(new) == [
        "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label "
        "is recommended: [must not contain dots]",
        "spec: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, "
        "Kubernetes might not be able to track completedIndexes when a big number of indexes fail",
    ]
    assert strategy.update_warnings(new, new) == []  # the generation is the same: nothing new to hear
