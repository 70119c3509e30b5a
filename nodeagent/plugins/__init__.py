"""Plug-ins of others that serve this node: who they are, and whether they are still there.

    /var/lib/kubelet/plugins_registry/NAME.sock ── GetInfo ──► type, name, endpoint, versions
                                                                       │ the handler of that type
                                                ◄── NotifyRegistrationStatus ── registered, or why not

The room knows sockets and the registration protocol. What a plug-in of a type is good for is its handler's to know,
which cmd introduces.
"""
