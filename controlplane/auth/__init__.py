"""Who is calling, and may they? Reads objects through `api.reader`; changes none.

    certificate ──► x509.py ───────────────┐
    token ──► service_account.py, ─────────┼─► User ──► impersonation.py ──► User ──► authorizers.py ──► Decision
              legacy_token.py,             │            (Impersonate-User)            system:masters,
              bootstrap_token.py,          │                                          node.py, rbac.py,
              static_token.py, oidc/,      │                                          webhook_authorizer.py
              webhook_token.py             │
    neither ──► anonymous ─────────────────┘

An authenticator answers "this is X", "not my kind of credential" (None) or "no good" (Unauthorized: 401). An authorizer
answers "yes" or "no rule of mine says so"; the request is refused (403) when none says yes. Only a webhook can deny,
and only a webhook is not answered from memory (docs/decisions/0021-oidc-and-webhooks.md).

Worked example: `kubectl get pods --as=jane`, sent by an administrator in group system:masters.

1. `x509.py` reads CN=kubernetes-admin, O=system:masters; `authenticator.py` adds the group system:authenticated.
2. `impersonation.py` asks whether that user may `impersonate` the resource `users` of name jane: system:masters may.
3. `rbac.py` looks for a binding of jane, or of system:authenticated, to a role with a rule for `list pods`; there is
   none, and the answer is: pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the
   namespace "default".

`bootstrap_policy.py` holds the roles that every cluster starts with; `escalation.py` keeps people from granting what
they do not have.
"""
