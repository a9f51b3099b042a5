"""The building blocks of every slice's schema: scalars, nodes, refusals as data, and how a mutation is performed."""
