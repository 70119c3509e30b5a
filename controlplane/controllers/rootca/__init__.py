"""Root CA publisher: every namespace has a ConfigMap kube-root-ca.crt, which every pod mounts to trust the API server.

Owns that ConfigMap's existence and its key ca.crt, also against edits. Refuses to know where the CA comes from: it is
given the text.

    ConfigMap missing, or ca.crt not ours ─► create or update
"""
