"""How the server reaches programs outside that it asks: admission and conversion webhooks.

    a webhook's clientConfig ──► client.py ──► HTTPS, by URL or at an endpoint of a Service (`service_resolver.py`)
    admission/outside.py     ◄── served.py     what admission may know of the resources that are served

Owns the connections, which are kept, and what TLS must hold: a Service's certificate names `<service>.<namespace>.svc`.
Refuses to know what is asked: questions and answers are bytes.

Worked example: a hook with `service: {namespace: shop, name: policy, path: /check}` is posted to
https://10.244.1.7:8443/check, where an EndpointSlice says that it is ready; `Host` and the certificate are those of
policy.shop.svc, and so is the address in every message.
"""
