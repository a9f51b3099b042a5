"""The search language of the inventory: parsed by a grammar, compiled to SQL with bound parameters (IN-1).

`parse` takes a filter apart; `groups` says which terms hold of one application; `conditions` and `drivers` are its SQL;
`plan` chooses what is read first; `find` puts it together for the read planner. `docs/search.md` is for its users.
"""
