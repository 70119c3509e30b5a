"""Every function that expressions in Kubernetes may call, a subject a file."""

from __future__ import annotations

from functools import cache

from controlplane.cel.functions import Functions


@cache
def kubernetes() -> Functions:
    """Return the functions of Kubernetes 1.37, made when the first expression is compiled."""
    from controlplane.cel.library import (
        authorizer,
        formats,
        networks,
        optionals,
        ordering,
        patches,
        quantities,
        regexes,
        semantic_versions,
        sets,
        standard,
        strings,
        times,
        urls,
    )

    functions = Functions()
    for library in (
        standard, times, strings, regexes, ordering, sets, optionals, urls, networks, quantities, formats,
        semantic_versions, authorizer, patches,
    ):  # fmt: skip
        library.add_to(functions)
    return functions
