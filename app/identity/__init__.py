"""Who calls: API tokens and OIDC tokens mapped to an account and a permission."""
