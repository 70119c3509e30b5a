"""The Node object: how a machine joins, what it says of itself, and how it proves every ten seconds that it lives.

    bootstrap.py   bootstrap token ──► pinned CA ──► CSR ──► client certificate (once, `nodeagent join`)
    certificates.py  the same CSR flow again before a certificate ends; serving certificates too
    machine.py     what this machine is: cores, memory, kernel, addresses
    render.py      machine + settings ──► Node and its status, conditions included: pure
    registration.py  creates the Node, or brings an existing one up to date
    heartbeat.py   renews the Lease in kube-node-lease every 10 s
    status.py      writes the status when it changes, and every 5 minutes
    changes.py     what of that is told as events: pure
    enforcement.py  holds all pods together to what is not reserved
    shutdown.py    pods end before their machine does, critical ones last
    patience.py    a runtime that is restarted does not make a node that is not ready

It refuses to know why a pod runs or not; other rooms hand it their problems as one sentence each.
"""
