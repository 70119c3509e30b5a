"""Custom resources: a CustomResourceDefinition makes the server serve objects that it has no type of.

     customresourcedefinitions ──watch──► controller.py ──► naming.py   which names it gets, what its conditions say
      (built in, like any kind)                │      └───► cleanup.py  its instances go before it goes
                                               ▼
        catalog.exchange ◄── serving.py   a storage for each served version
                                 │
             shape.py      documents under a schema, in the place of Structs
             strategy.py   what happens to them when they are written
             storage.py    stored in one version, shown in any
             conversion.py from one version to another: by name only, or by asking a webhook
             columns.py    additionalPrinterColumns
             openapi.py    the schema, published

Worked example: `kubectl apply -f crontabs.yaml`, a definition. `naming.py` finds crontabs.stable.example.com free; its
storages enter the catalog, and only then the definition says Established. `kubectl get crontabs` is answered as any
other list; `kubectl delete crd` empties it through the API before the definition goes.

Owns which definitions are served, and how. Refuses to take the place of a built-in resource, or of its keys.
What a schema says is in `controlplane.api.structural`, which definitions are valid in
`controlplane.api.structural.definitions`. Every other room sees one more resource in the catalog.
"""
