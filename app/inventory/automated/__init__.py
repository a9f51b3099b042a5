"""Automated discovery: rules that put a license configuration on what a search filter finds (IN-3, EN-10).

`definition` is what a rule says; `managing` makes, changes and enables rules; `matching` is what a rule finds, as SQL;
`survey` reads what there is to do, for a preview and for a run alike; `previewing` tells it, `running` does it.
"""
