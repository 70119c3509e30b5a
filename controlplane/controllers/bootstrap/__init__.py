"""Bootstrap tokens: signed proof of the cluster's CA for whoever knows one, and an end for those that expired.

Owns the jws-kubeconfig-* keys of the ConfigMap kube-public/cluster-info, and the deletion of expired token Secrets in
kube-system. Refuses to make tokens. Both controllers are off by default, as upstream's:
`--controllers=*,bootstrapsigner,tokencleaner`.

    Secret bootstrap-token-abcdef, usage-bootstrap-signing=true
      ─► cluster-info: jws-kubeconfig-abcdef = <header>..<HMAC-SHA256 of the kubeconfig, keyed with the token's secret>

A joining node that has the token checks the signature before it believes the CA in that kubeconfig.
"""
