"""License Manager's API as botocore describes it: the one source of operations, shapes and errors. Parsed once."""

from functools import lru_cache
from typing import Any

SERVICE = "license-manager"
TARGET_PREFIX = "AWSLicenseManager"


@lru_cache(maxsize=1)
def service() -> Any:
    """The botocore ServiceModel; loaded at the first request, not at start."""
    import botocore.session

    return botocore.session.get_session().get_service_model(SERVICE)


@lru_cache(maxsize=128)
def operation(name: str) -> Any | None:
    """The OperationModel of a name; None where License Manager has no such operation."""
    return service().operation_model(name) if name in service().operation_names else None
