"""Admission by policies: expressions kept in the cluster that refuse or change what is written.

Owns what a policy means for one request: whether it is meant, what its expressions say, what its binding does about it.
Refuses to know the language (`controlplane.cel`), and to ask anybody but the authorizer.

definitions.py   policies with their bindings, read once a change
matching.py      which requests a policy and a binding are for
parameters.py    the objects that a binding gives to its policy
compiled.py      the expressions of a policy, compiled when it is first needed
decisions.py     what a validating policy says of one request, purely
validating.py    ValidatingAdmissionPolicy: what is done about it: deny, warn, audit
mutating.py      MutatingAdmissionPolicy: JSON patches and configurations, applied in order
patches.py       what such an expression gives, as the patch it stands for
kinds.py         built-in kinds as types, for who checks a policy against what it is for

Worked example: policy `replicas` says `object.spec.replicas <= int(params.data.max)`, and its binding, with
`validationActions: [Deny, Audit]` and the ConfigMap `limits` as parameters, names namespaces labelled env=test.
`kubectl create deployment --replicas 9` there is matched, `limits` is read from memory, the expression is false: the
request is refused (422), and its audit event says why.
"""
