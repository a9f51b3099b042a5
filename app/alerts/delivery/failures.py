"""Why an attempt failed, as the account's people are told."""


class Undelivered(Exception):
    """An attempt failed. The message has at most 500 characters and no secret; `gone`: the receiver wants no more."""

    def __init__(self, message: str, *, gone: bool = False) -> None:
        super().__init__(message[:500])
        self.gone = gone
