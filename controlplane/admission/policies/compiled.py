"""The expressions of a policy, compiled: each variable is known to those after it, and to everything else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from controlplane.admission.conditions import Conditions
from controlplane.admission.expressions import JSON_PATCH, Environment, ExpressionError, compile_with
from controlplane.api.admissionregistration_v1 import (
    MutatingAdmissionPolicy,
    Mutation,
    ValidatingAdmissionPolicy,
    Validation,
    Variable,
)
from controlplane.cel.errors import EvaluationError
from controlplane.cel.program import Budget, Program
from controlplane.cel.types import BOOL, DYN, NULL, STRING, Type, list_of
from controlplane.cel.values import LazyFields

OBJECT = Type("Object")
PATCHES = list_of(JSON_PATCH)


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables of a policy, in order; one that does not compile fails whoever reads it."""

    programs: Mapping[str, Program | str]

    @classmethod
    def of(cls, variables: Sequence[Variable], environment: Environment) -> tuple[Variables, dict[str, Type]]:
        """Return the variables, and their types for what is compiled with them."""
        programs: dict[str, Program | str] = {}
        known: dict[str, Type] = {}
        for variable in variables:
            try:
                program = compile_with(variable.expression, environment, (), known)
            except ExpressionError as error:
                programs[variable.name], known[variable.name] = str(error), DYN
                continue
            programs[variable.name], known[variable.name] = program, program.type
        return cls(programs), known

    def bind(self, bindings: Mapping[str, Any], budget: Budget) -> dict[str, Any]:
        """Return `bindings` with `variables` in it, each evaluated when it is first read."""
        bound = dict(bindings)
        makers: dict[str, Callable[[], Any]] = {
            name: partial(_value, name, program, bound, budget) for name, program in self.programs.items()
        }
        bound["variables"] = LazyFields(makers)
        return bound


def _value(name: str, program: Program | str, bindings: Mapping[str, Any], budget: Budget) -> Any:
    if isinstance(program, str):
        raise EvaluationError(f'composited variable "{name}" fails to compile: {program}')
    try:
        return program.value(bindings, budget=budget)
    except EvaluationError as error:
        raise type(error)(*_told(name, error)) from error


def _told(name: str, error: EvaluationError) -> tuple[str, ...]:
    # What is out of budget says so itself.
    return (f'composited variable "{name}" fails to evaluate: {error}',) if type(error) is EvaluationError else ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One validation."""

    validation: Validation
    program: Program
    message: Program | None


@dataclass(frozen=True, slots=True)
class ValidatingRules:
    """A ValidatingAdmissionPolicy; `error` says why it cannot be evaluated, "" if it can."""

    conditions: Conditions
    variables: Variables
    rules: Sequence[Rule]
    annotations: Sequence[tuple[str, Program]]  # by key
    error: str = ""


def compile_validating(policy: ValidatingAdmissionPolicy) -> ValidatingRules:
    spec = policy.spec
    environment = Environment(params=spec.param_kind is not None)
    messages = Environment(params=environment.params, authorizer=False)
    variables, known = Variables.of(spec.variables, environment)
    conditions = Conditions.of(spec.match_conditions, environment, known)
    try:
        rules = [
            Rule(
                one,
                compile_with(one.expression, environment, (BOOL,), known),
                compile_with(one.message_expression, messages, (STRING,), known) if one.message_expression else None,
            )
            for one in spec.validations
        ]
        annotations = [
            (one.key, compile_with(one.value_expression, environment, (STRING, NULL), known))
            for one in spec.audit_annotations
        ]
    except ExpressionError as error:
        return ValidatingRules(conditions, variables, (), (), f"compilation error: {error}")
    return ValidatingRules(conditions, variables, rules, annotations)


@dataclass(frozen=True, slots=True)
class MutatingRules:
    """A MutatingAdmissionPolicy; a mutation that does not compile is the text that says so."""

    conditions: Conditions
    variables: Variables
    mutations: Sequence[tuple[Mutation, Program | str]]


def compile_mutating(policy: MutatingAdmissionPolicy) -> MutatingRules:
    spec = policy.spec
    environment = Environment(params=spec.param_kind is not None, patches=True)
    variables, known = Variables.of(spec.variables, environment)
    conditions = Conditions.of(spec.match_conditions, environment, known)
    return MutatingRules(conditions, variables, [(one, _mutation(one, environment, known)) for one in spec.mutations])


def _mutation(mutation: Mutation, environment: Environment, known: Mapping[str, Type]) -> Program | str:
    expression, returns = expression_of(mutation)
    try:
        return compile_with(expression, environment, (returns,), known)
    except ExpressionError as error:
        return f"compilation error: {error}"


def expression_of(mutation: Mutation) -> tuple[str, Type]:
    """Return a mutation's expression, and what it has to give."""
    if mutation.json_patch is not None:
        return mutation.json_patch.expression, PATCHES
    return (mutation.apply_configuration.expression if mutation.apply_configuration else ""), OBJECT
