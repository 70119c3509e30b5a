"""Policy status: authors of ValidatingAdmissionPolicies are told what their expressions get wrong about their kinds.

Owns the status of policies. Refuses to refuse: a policy is in force whatever is found.

    spec.matchConstraints: deployments; object.spec.replica > 1 ─► a warning: undefined field 'replica'

A policy is accepted as long as it compiles with objects of any type. Here it is compiled once more for each kind that
its rules name, with that kind's fields; what does not fit is a warning in status.typeChecking, and never an error.
"""
