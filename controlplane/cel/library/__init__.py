"""Every function that expressions in Kubernetes may call, a subject a file.

Owns their types, what they do and what they cost. Refuses to do I/O: `authorizer.py` asks whom it is given.

    functions.add("isSorted", method(list_of(T), gives=BOOL), is_sorted)      each file has `add_to(functions)`
    [1, 2, 2].isSorted()                                                      true, for a unit an element
"""

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
