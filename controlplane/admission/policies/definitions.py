"""Policies and the bindings that put them to use, read again only when one of them has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from controlplane.admission.selection import Selectors
from controlplane.api.admissionregistration_v1 import (
    MatchResources,
    MutatingAdmissionPolicy,
    MutatingAdmissionPolicyBinding,
    ParamRef,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
)
from controlplane.api.reader import ObjectReader

Policy = TypeVar("Policy", ValidatingAdmissionPolicy, MutatingAdmissionPolicy)
Compiled = TypeVar("Compiled")
_EVERYTHING = MatchResources()


@dataclass(slots=True)
class Bound:
    """One binding."""

    name: str
    match: MatchResources
    selectors: Selectors
    reference: ParamRef | None
    actions: Sequence[str]  # Deny, Warn, Audit; of validating policies


@dataclass(slots=True)
class Definition(Generic[Policy, Compiled]):
    """One policy with its bindings; it is compiled when a request needs it."""

    policy: Policy
    match: MatchResources
    selectors: Selectors
    bindings: Sequence[Bound]
    _compile: Callable[[Policy], Compiled]
    _compiled: Compiled | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        return self.policy.metadata.name

    @property
    def fails_open(self) -> bool:
        return self.policy.spec.failure_policy == "Ignore"

    @property
    def compiled(self) -> Compiled:
        if self._compiled is None:
            self._compiled = self._compile(self.policy)
        return self._compiled


class Definitions(Generic[Policy, Compiled]):
    """All policies of a kind that have a binding, by name."""

    def __init__(
        self,
        reader: ObjectReader,
        policy_type: type[Policy],
        binding_type: type[ValidatingAdmissionPolicyBinding] | type[MutatingAdmissionPolicyBinding],
        compile_: Callable[[Policy], Compiled],
    ):
        self._reader, self._binding_type = reader, binding_type
        self._policy_type: type[Policy] = policy_type
        self._compile: Callable[[Policy], Compiled] = compile_
        self._versions = (-1, -1)
        self._definitions: dict[str, Definition[Policy, Compiled]] = {}

    def now(self) -> Sequence[Definition[Policy, Compiled]]:
        versions = (self._reader.version(self._policy_type), self._reader.version(self._binding_type))
        if versions != self._versions:
            self._definitions = self._read()
            self._versions = versions
        return tuple(self._definitions.values())

    def _read(self) -> dict[str, Definition[Policy, Compiled]]:
        bindings: dict[str, list[Bound]] = {}
        for binding in sorted(self._reader.list(self._binding_type), key=lambda one: one.metadata.name):
            bindings.setdefault(binding.spec.policy_name, []).append(_bound(binding))
        found: dict[str, Definition[Policy, Compiled]] = {}
        for policy in sorted(self._reader.list(self._policy_type), key=lambda one: one.metadata.name):
            name = policy.metadata.name
            if name not in bindings:
                continue
            before = self._definitions.get(name)
            match = policy.spec.match_constraints or _EVERYTHING
            definition = Definition(policy, match, _selectors(match), bindings[name], self._compile)
            if before is not None and before.policy is policy:
                definition._compiled = before._compiled
            found[name] = definition
        return found


def _bound(binding: Any) -> Bound:
    spec = binding.spec
    match = spec.match_resources or _EVERYTHING
    return Bound(
        binding.metadata.name, match, _selectors(match), spec.param_ref, getattr(spec, "validation_actions", ())
    )


def _selectors(match: MatchResources) -> Selectors:
    return Selectors.of(match.namespace_selector, match.object_selector)
