"""ClusterRole aggregation: roles that are the sum of others.

Owns the rules of ClusterRoles that have an aggregationRule. Refuses to touch any other role.

    admin  aggregates label rbac.../aggregate-to-admin=true  ◄── edit ◄── system:aggregate-to-edit
    install an operator whose role carries that label ─► every admin may use its resources
"""
