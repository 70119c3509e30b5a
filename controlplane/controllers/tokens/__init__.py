"""Secrets of type kubernetes.io/service-account-token: whoever makes one has it filled in with a token.

Owns the data of those Secrets, and their end when their ServiceAccount ends. Refuses to make any: pods get tokens of
their own, which expire.

    Secret added or changed, account changed ─► plan: fill in token, ca.crt and namespace, or delete, or nothing
"""
