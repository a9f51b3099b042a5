"""Resource shares, and who sees which license configuration through them."""
