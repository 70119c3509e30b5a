"""The API described by itself, in OpenAPI v3 and v2: what kubectl explain prints, and what apply and edit merge by.

    GET /openapi/v3                    {"paths": {"apis/apps/v1": {"serverRelativeURL": "…/apis/apps/v1?hash=…"}}}
    GET /openapi/v3/apis/apps/v1       the schemas of one group version and the paths it serves
    GET /openapi/v2                    everything in one document, as JSON or as the protobuf that client-go insists on

Nothing is written by hand: the schemas come from the Structs of `controlplane.api` and their marks, the paths from the
table of resources and its verbs. What a Struct cannot say (which fields are required, how wide an integer is) is in
`facts.py`. A document is built when it is first asked for, in a thread, and kept as gzip. Upstream's descriptions are
shown where the package `kubernetes-validate` is installed, and absent elsewhere; they are not stored here.

    documents.py     which path gets which document        schemas.py   a Struct, as a definition
    paths.py         a resource's verbs, as operations     dialect.py   in what v2 and v3 differ
    protobuf.py      v2 for client-go                      answers.py   a document, as it is kept and shown
    facts.py         written by `python -m controlplane.apiserver.openapi.generate`

The room describes; whether an object fits the description is decided in `controlplane.api.fields` and `.validation`.
A server imports `documents.py` and what it is made of when somebody first asks.
"""
