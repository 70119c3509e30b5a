"""Certificate signing requests: who may have a certificate, who gets it, and which requests are swept away.

Owns the conditions that approve, deny or fail a request automatically, and status.certificate of four signers. Refuses
to hold authority itself beyond the key it is given: whether somebody may ask is the API server's to say, by
SubjectAccessReview.

    nodeagent join, bootstrap token ─► CSR kube-apiserver-client-kubelet ─► approve.py: may the token ask for a node's
                                                                              client certificate? ─► Approved
    Approved ─► sign.py: is it what that signer signs? ─► status.certificate, or Failed with the reason
    an hour after its answer, a day without one ─► clean.py: deleted

`requests.py` reads what a request asks for; its rules are the ones documented for each signerName.
"""
