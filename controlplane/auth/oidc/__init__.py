"""Users of an OpenID Connect provider: its ID tokens, believed as its keys and the configuration say.

    AuthenticationConfiguration, --oidc-* ──► configuration.py ──► JWTAuthenticator
                                                                        │
    token ──► authenticator.py: signature (signatures.py, keys.py), issuer, audience, dates
                     └──► claims.py: name, groups, uid and extra of the user; what else has to hold

`keys.py` finds the provider's keys by discovery (OpenID Connect Discovery 1.0) and asks again when a token names a key
that it does not know: so a provider changes its keys without anybody here noticing.
"""
