"""The GraphQL edge: composes the schema, authenticates, bounds, masks."""
