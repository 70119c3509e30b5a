"""ValidatingAdmissionPolicy: refuses, warns about or notes what its expressions find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from controlplane.admission.interface import Attributes, Plugin
from controlplane.admission.outside import Outside
from controlplane.admission.policies.definitions import Bound, Definition, Definitions
from controlplane.admission.policies.matching import matched_resource
from controlplane.admission.policies.parameters import NoParameters, parameters_of
from controlplane.admission.requests import Versioned, versioned_as
from controlplane.admission.selection import namespace_of
from controlplane.api.admissionregistration_v1 import ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding
from controlplane.api.meta_v1 import Status, StatusCause, StatusDetails
from controlplane.api.reader import ObjectReader
from controlplane.api.status import StatusError, from_status
from controlplane.kit.clock import Clock

if TYPE_CHECKING:
    from controlplane.admission.policies.compiled import ValidatingRules
    from controlplane.admission.policies.decisions import Decision, Outcome

_CODES = {"Invalid": 422, "Forbidden": 403, "Unauthorized": 401, "RequestEntityTooLarge": 413}
_LONGEST_ANNOTATION = 10 * 1024  # characters
_MOST_FAILURES = 50  # in one audit annotation


def _compile(policy: ValidatingAdmissionPolicy) -> ValidatingRules:
    # Only now, so that a server without policies does not load what compiles them.
    from controlplane.admission.policies.compiled import compile_validating

    return compile_validating(policy)


@dataclass(slots=True)
class _Found:
    """What the policies found in one request."""

    denied: list[tuple[str, str]] = field(default_factory=list)  # messages, with reasons
    audited: list[dict[str, object]] = field(default_factory=list)


class ValidatingPolicies(Plugin):
    """Evaluates every policy that a request is for, with each of its bindings and parameters."""

    name = "ValidatingAdmissionPolicy"

    def __init__(self, reader: ObjectReader, outside: Outside, clock: Clock):
        self._reader, self._outside, self._clock = reader, outside, clock
        self._definitions: Definitions[ValidatingAdmissionPolicy, ValidatingRules] = Definitions(
            reader, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, _compile
        )

    async def validate(self, attributes: Attributes) -> None:
        definitions = self._definitions.now()
        if not definitions or not self._outside.concerns(attributes):
            return
        found = _Found()
        for definition in definitions:
            await self._one(definition, attributes, found)
        if found.audited:
            key = "validation.policy.admission.k8s.io/validation_failure"
            attributes.annotations[key] = msgspec.json.encode(found.audited[:_MOST_FAILURES]).decode()
        if found.denied:
            raise refusal(attributes, *found.denied[0])

    async def _one(
        self,
        definition: Definition[ValidatingAdmissionPolicy, ValidatingRules],
        attributes: Attributes,
        found: _Found,
    ) -> None:
        served, policy = self._outside.served, definition.policy
        try:
            resource = matched_resource(definition.match, definition.selectors, attributes, self._reader, served)
        except StatusError as error:
            _misconfigured(found, definition, None, str(error))
            return
        if resource is None:
            return
        annotations: dict[str, list[str]] = {}
        for binding in definition.bindings:
            try:
                if matched_resource(binding.match, binding.selectors, attributes, self._reader, served) is None:
                    continue
                parameters = parameters_of(policy.spec.param_kind, binding.reference, namespace_of(attributes), served)
            except (NoParameters, StatusError) as error:
                _misconfigured(found, definition, binding, str(error))
                continue
            if parameters:
                versioned = await versioned_as(attributes, resource, served)
                for parameter in parameters:
                    await self._evaluate(definition, binding, versioned, parameter, found, annotations)
        for key, values in annotations.items():
            attributes.annotations[f"{definition.name}/{key}"] = ", ".join(values)

    async def _evaluate(
        self,
        definition: Definition[ValidatingAdmissionPolicy, ValidatingRules],
        binding: Bound,
        versioned: Versioned,
        parameter: object,
        found: _Found,
        annotations: dict[str, list[str]],
    ) -> None:
        from controlplane.admission.expressions import bindings_of, settled
        from controlplane.admission.policies.decisions import decide

        bindings = bindings_of(versioned, self._reader, self._outside.ask)
        bindings["params"] = parameter
        began = self._clock.monotonic()
        outcome = await settled(
            versioned.attributes,
            lambda: decide(definition.compiled, bindings, fails_open=definition.fails_open),
        )
        elapsed = self._clock.monotonic() - began
        attributes = versioned.attributes
        for denial in outcome.denials:
            for action in binding.actions:
                self._act(action, denial, definition, binding, attributes, found)
                self._count(definition, binding, denial, action, elapsed)
        for mistake in outcome.annotation_errors:
            found.denied.append((_denied(definition, binding, mistake.message), ""))
            self._count(definition, binding, mistake, "Deny", elapsed)
        _collect(outcome, annotations)

    def _act(
        self,
        action: str,
        denial: Decision,
        definition: Definition[ValidatingAdmissionPolicy, ValidatingRules],
        binding: Bound,
        attributes: Attributes,
        found: _Found,
    ) -> None:
        if action == "Deny":
            found.denied.append((_denied(definition, binding, denial.message), denial.reason))
        elif action == "Warn":
            attributes.warnings.append(
                f"Validation failed for ValidatingAdmissionPolicy '{definition.name}' "
                f"with binding '{binding.name}': {denial.message}"
            )
        elif action == "Audit":
            found.audited.append(
                {
                    "message": denial.message,
                    "policy": definition.name,
                    "binding": binding.name,
                    "expressionIndex": denial.index,
                    "validationActions": list(binding.actions),
                }
            )

    def _count(
        self,
        definition: Definition[ValidatingAdmissionPolicy, ValidatingRules],
        binding: Bound,
        decision: Decision,
        action: str,
        elapsed: float,
    ) -> None:
        kind = "invalid_error" if decision.error else "no_error"
        self._outside.metrics.policy("validating", definition.name, binding.name, kind, action.lower(), elapsed)


def _collect(outcome: Outcome, annotations: dict[str, list[str]]) -> None:
    for key, value in outcome.annotations:
        values = annotations.setdefault(key, [])
        if value[:_LONGEST_ANNOTATION] not in values:
            values.append(value[:_LONGEST_ANNOTATION])


def _denied(
    definition: Definition[ValidatingAdmissionPolicy, ValidatingRules], binding: Bound | None, message: str
) -> str:
    by = f" with binding '{binding.name}'" if binding is not None else ""
    return f"ValidatingAdmissionPolicy '{definition.name}'{by} denied request: {message}"


def _misconfigured(
    found: _Found,
    definition: Definition[ValidatingAdmissionPolicy, ValidatingRules],
    binding: Bound | None,
    why: str,
) -> None:
    if not definition.fails_open:
        what = "policy" if binding is None else "binding"
        found.denied.append((_denied(definition, binding, f"failed to configure {what}: {why}"), ""))


def refusal(attributes: Attributes, message: str, reason: str, causes: Sequence[str] = ()) -> StatusError:
    """Return the error of a request that a policy denied, in the words and with the code of its reason."""
    reason = reason or "Invalid"
    shown = attributes.forbidden(message)
    details = shown.details or StatusDetails()
    return from_status(
        Status(
            api_version="v1",
            kind="Status",
            status="Failure",
            message=shown.message,
            reason=reason,
            code=_CODES.get(reason, 422),
            details=msgspec.structs.replace(details, causes=[StatusCause(message=one) for one in causes or [message]]),
        )
    )
