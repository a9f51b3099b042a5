"""What a read needs of an operation that is over."""

from typing import Any


def lasting(info: Any) -> Any:
    """A resolver's info for reads that are yet to come, without the execution that it came from."""
    raw = getattr(info, "_raw_info", info)
    return raw._replace(is_awaitable=None, async_helpers=None, abort_signal=None, root_value=None)
