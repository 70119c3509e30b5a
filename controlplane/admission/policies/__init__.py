"""Admission by policies: expressions kept in the cluster that refuse or change what is written.

definitions.py   policies with their bindings, read once a change
matching.py      which requests a policy and a binding are for
parameters.py    the objects that a binding gives to its policy
compiled.py      the expressions of a policy, compiled when it is first needed
decisions.py     what a validating policy says of one request, purely
validating.py    ValidatingAdmissionPolicy: what is done about it: deny, warn, audit
mutating.py      MutatingAdmissionPolicy: JSON patches and configurations, applied in order
"""
