"""Certificate authorities, what they sign, join tokens, kubeconfig files. Never talks to the API.

    kubernetes (ca.crt) ─┬─ apiserver                 what every client sees on port 6443
                         ├─ apiserver-kubelet-client  the API server, calling nodes for logs and exec
                         ├─ controller-manager, scheduler           their own HTTPS ports
                         ├─ admin.conf, super-admin.conf, controller-manager.conf, scheduler.conf
                         └─ every node's client and serving certificate, through CSRs
    front-proxy-ca ───────── front-proxy-client       the API server, speaking for a user to an extension
    sa.key, sa.pub           service account tokens are signed with the one and verified with the other

Decisions are values (`plan.py`: which certificate has which names), `issue.py` makes bytes of them, `files.py` writes
them so that a crash leaves the old file or the new one. Keys are EC P-256: small, quick to make, understood
by everything.

The time is an argument everywhere. Randomness is not: keys and serial numbers come from the operating system, because a
seed would make them guessable.
"""
