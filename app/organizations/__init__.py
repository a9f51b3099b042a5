"""Organizations, their units and accounts, and who joins or leaves them."""
