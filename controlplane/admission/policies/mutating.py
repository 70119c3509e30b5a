"""MutatingAdmissionPolicy: changes objects by JSON patches and configurations that expressions make."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from controlplane.admission.interface import Attributes, Plugin
from controlplane.admission.outside import Outside
from controlplane.admission.policies.definitions import Bound, Definition, Definitions
from controlplane.admission.policies.matching import matched_resource
from controlplane.admission.policies.parameters import NoParameters, parameters_of
from controlplane.admission.requests import Versioned, versioned_as
from controlplane.admission.selection import namespace_of
from controlplane.api.admissionregistration_v1 import (
    MutatingAdmissionPolicy,
    MutatingAdmissionPolicyBinding,
    Mutation,
)
from controlplane.api.codec import Document
from controlplane.api.meta_v1 import Status, StatusCause, StatusDetails
from controlplane.api.reader import ObjectReader
from controlplane.api.resources import Resource
from controlplane.api.status import StatusError, from_status
from controlplane.kit.clock import Clock

if TYPE_CHECKING:
    from controlplane.admission.policies.compiled import MutatingRules
    from controlplane.cel.program import Program

_Definition = Definition[MutatingAdmissionPolicy, "MutatingRules"]


def _compile(policy: MutatingAdmissionPolicy) -> MutatingRules:
    # Only now, so that a server without policies does not load what compiles them.
    from controlplane.admission.policies.compiled import compile_mutating

    return compile_mutating(policy)


class _MutationFailed(Exception):
    """A mutation that could not be made."""


@dataclass(frozen=True, slots=True)
class _Invocation:
    """One policy with one binding and one parameter."""

    definition: _Definition
    binding: Bound
    resource: Resource
    parameter: Document | None

    @property
    def key(self) -> tuple[str, str, str, str]:
        metadata = (self.parameter or {}).get("metadata") or {}
        return self.definition.name, self.binding.name, metadata.get("namespace") or "", metadata.get("name") or ""


class _Memory:
    """What is remembered between the two rounds of one request."""

    def __init__(self) -> None:
        self.reinvocable: set[tuple[str, str, str, str]] = set()
        self.required: set[tuple[str, str, str, str]] = set()
        self.last: Document | None = None

    def require(self) -> None:
        self.required |= self.reinvocable
        self.reinvocable.clear()


class MutatingPolicies(Plugin):
    """Applies the mutations of every policy that a request is for, one after another."""

    name = "MutatingAdmissionPolicy"

    def __init__(self, reader: ObjectReader, outside: Outside, clock: Clock):
        self._reader, self._outside, self._clock = reader, outside, clock
        self._definitions: Definitions[MutatingAdmissionPolicy, MutatingRules] = Definitions(
            reader, MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, _compile
        )

    async def mutate(self, attributes: Attributes) -> None:
        definitions = self._definitions.now()
        if not definitions or not self._outside.concerns(attributes):
            return
        memory = attributes.rounds.kept.setdefault(self.name, _Memory())
        if attributes.rounds.second and memory.last != attributes.document:
            memory.require()
        errors: list[tuple[str, str]] = []
        for definition in definitions:
            for invocation in self._invocations(definition, attributes, errors):
                await self._invoke(invocation, attributes, memory, errors)
        memory.last = copy.deepcopy(attributes.document)
        if errors:
            raise _refusal(attributes, errors)

    def _invocations(
        self, definition: _Definition, attributes: Attributes, errors: list[tuple[str, str]]
    ) -> list[_Invocation]:
        served, found = self._outside.served, list[_Invocation]()
        try:
            resource = matched_resource(definition.match, definition.selectors, attributes, self._reader, served)
        except StatusError as error:
            _note(errors, definition, None, f"failed to configure policy: {error}", "Forbidden")
            return []
        if resource is None:
            return []
        for binding in definition.bindings:
            try:
                if matched_resource(binding.match, binding.selectors, attributes, self._reader, served) is None:
                    continue
                parameters = parameters_of(
                    definition.policy.spec.param_kind, binding.reference, namespace_of(attributes), served
                )
            except (NoParameters, StatusError) as error:
                _note(errors, definition, binding, f"failed to configure binding: {error}", "Forbidden")
                continue
            found += [_Invocation(definition, binding, resource, one) for one in parameters]
        return found

    async def _invoke(
        self, invocation: _Invocation, attributes: Attributes, memory: _Memory, errors: list[tuple[str, str]]
    ) -> None:
        from controlplane.admission.conditions import ConditionsFailed
        from controlplane.admission.expressions import bindings_of, settled
        from controlplane.cel.program import Budget

        definition, binding = invocation.definition, invocation.binding
        rules = definition.compiled
        versioned = await versioned_as(attributes, invocation.resource, self._outside.served)

        def bound(now: Versioned) -> dict[str, Any]:
            bindings = bindings_of(now, self._reader, self._outside.ask)
            bindings["params"] = invocation.parameter
            return rules.variables.bind(bindings, Budget())

        try:
            first = versioned
            if not await settled(attributes, lambda: rules.conditions.match(bound(first))):
                return
        except ConditionsFailed as error:
            _note(errors, definition, binding, str(error))
            return
        if attributes.rounds.second and invocation.key not in memory.required:
            return
        before = copy.deepcopy(attributes.document)
        for mutation, program in rules.mutations:
            if attributes.document is None:
                break
            versioned = await versioned_as(attributes, invocation.resource, self._outside.served)
            began, error_type = self._clock.monotonic(), "no_error"
            try:
                await self._apply(mutation, program, versioned, bound)
            except _MutationFailed as error:
                error_type = "invalid_error"
                _note(errors, definition, binding, str(error))
            finally:
                action = "allow" if error_type == "no_error" else "deny"
                self._outside.metrics.policy(
                    "mutating", definition.name, binding.name, error_type, action, self._clock.monotonic() - began
                )
        if before != attributes.document:
            memory.require()
            attributes.rounds.again = True
        if definition.policy.spec.reinvocation_policy == "IfNeeded":
            memory.reinvocable.add(invocation.key)

    async def _apply(
        self,
        mutation: Mutation,
        program: Program | str,
        versioned: Versioned,
        bound: Callable[[Versioned], dict[str, Any]],
    ) -> None:
        from controlplane.admission.expressions import Failed, OverBudget, evaluate, settled
        from controlplane.admission.policies.patches import WrongTypeName, configuration, json_patch
        from controlplane.cel.program import Budget

        if isinstance(program, str):
            raise _MutationFailed(program)
        served, document = self._outside.served, versioned.document
        assert document is not None
        try:
            value = await settled(versioned.attributes, lambda: evaluate(program, bound(versioned), Budget()))
            if mutation.json_patch is not None:
                changed = served.patch(document, json_patch(value))
            else:
                changed = served.merge(versioned.resource, document, configuration(value))
            if versioned.resource is not versioned.attributes.resource:
                changed = await served.convert(changed, versioned.attributes.resource)
            versioned.attributes.replace(changed)
        except WrongTypeName as error:
            raise _MutationFailed(f"type mismatch: {error}") from error
        except (Failed, OverBudget) as error:
            raise _MutationFailed(str(error)) from error
        except StatusError as error:
            if "test failed" in error.message:
                return  # a patch whose test does not hold is not to be applied
            how = "JSON Patch" if mutation.json_patch is not None else "error applying patch"
            raise _MutationFailed(f"{how}: {error.message}") from error


def _note(
    errors: list[tuple[str, str]], definition: _Definition, binding: Bound | None, why: str, reason: str = "Invalid"
) -> None:
    if definition.fails_open:
        return
    if binding is None:
        errors.append((f'policy "{definition.name}" denied request: {why}', reason))
    else:
        errors.append((f"policy '{definition.name}' with binding '{binding.name}' denied request: {why}", reason))


def _refusal(attributes: Attributes, errors: list[tuple[str, str]]) -> StatusError:
    details = attributes.forbidden("").details or StatusDetails()
    causes = [StatusCause(message=message) for message, _ in errors]
    return from_status(
        Status(
            api_version="v1",
            kind="Status",
            status="Failure",
            message=errors[0][0],
            reason=errors[0][1],
            code=403,  # upstream answers so, with the reason of the first policy that failed
            details=StatusDetails(name=details.name, group=details.group, kind=details.kind, causes=causes),
        )
    )
