"""ServiceAccounts: every namespace has one named "default", which pods use that name none.

Owns the existence of that one account. Refuses to touch any other, and its content.

    namespace added, or account deleted ─► look: namespace Active and no account? create it
"""
