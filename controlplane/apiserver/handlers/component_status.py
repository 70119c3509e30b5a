"""GET of component statuses, which are worked out when somebody asks."""

from __future__ import annotations

import asyncio

from controlplane.api import status
from controlplane.api.codec import Document
from controlplane.api.resources import BY_KIND
from controlplane.apiserver.answers import document_answer, partial, partial_list
from controlplane.apiserver.calls import Call
from controlplane.apiserver.component_health import component_status
from controlplane.apiserver.messages import Response
from controlplane.apiserver.negotiation import PARTIAL, PARTIAL_LIST, TABLE
from controlplane.apiserver.options import list_options

_RESOURCE = BY_KIND["v1", "ComponentStatus"]


async def get_component(call: Call) -> Response:
    """Answer how one component is; upstream answers 500 for a name it does not know, which tells nobody anything."""
    ask = call.backend.components.get(call.info.name)
    if ask is None:
        raise status.not_found(_RESOURCE, call.info.name)
    shown = call.accepts(TABLE, PARTIAL)
    found = component_status(call.info.name, await ask())
    if shown.form == TABLE:
        return document_answer(_table(call, [found]), shown)
    return document_answer(partial(found) if shown.form == PARTIAL else found, shown)


async def list_components(call: Call) -> Response:
    """Answer how all of them are, asked at once."""
    options, shown = list_options(call.request.query), call.accepts(TABLE, PARTIAL_LIST)
    # They have no labels, and no field but their name.
    names = [
        name
        for name in call.backend.components
        if options.labels.matches({}) and options.fields.matches({"metadata.name": name})
    ]
    healths = await asyncio.gather(*(call.backend.components[name]() for name in names))
    found = [component_status(name, health) for name, health in zip(names, healths, strict=True)]
    if shown.form == TABLE:
        return document_answer(_table(call, found), shown)
    if shown.form == PARTIAL_LIST:
        return document_answer(partial_list(found, {}), shown)
    items = [{key: value for key, value in one.items() if key not in ("apiVersion", "kind")} for one in found]
    whole = {"kind": "ComponentStatusList", "apiVersion": "v1", "metadata": {}, "items": items}
    return document_answer(whole, shown)


def _table(call: Call, found: list[Document]) -> Document:
    from controlplane.apiserver.tables.render import render_table  # as late as for any other kind

    included = call.request.query.get("includeObject") or "Metadata"
    return render_table(_RESOURCE, found, now=call.backend.clock.now(), include_object=included)
