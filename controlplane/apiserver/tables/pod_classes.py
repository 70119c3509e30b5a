"""kubectl get priorityclasses, runtimeclasses."""

from __future__ import annotations

from datetime import datetime

from controlplane.api.node_v1 import RuntimeClass
from controlplane.api.scheduling_v1 import PriorityClass
from controlplane.apiserver.tables.printer import AGE, NAME, Cell, Column, Printer
from controlplane.apiserver.tables.texts import age


def _priority_class(priority_class: PriorityClass, now: datetime) -> list[Cell]:
    return [
        priority_class.metadata.name,
        priority_class.value or 0,
        bool(priority_class.global_default),
        age(priority_class.metadata.creation_timestamp, now),
        priority_class.preemption_policy,
    ]


def _runtime_class(runtime_class: RuntimeClass, now: datetime) -> list[Cell]:
    return [
        runtime_class.metadata.name,
        runtime_class.handler,
        age(runtime_class.metadata.creation_timestamp, now),
    ]


PRIORITY_CLASS = Printer(
    (NAME, Column("Value", "integer"), Column("Global-Default", "boolean"), AGE, Column("PreemptionPolicy")),
    _priority_class,
)
RUNTIME_CLASS = Printer((NAME, Column("Handler"), AGE), _runtime_class)
