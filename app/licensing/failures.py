"""Operations on a configuration's resources that were refused, kept for who administers it."""

from collections.abc import Sequence

from app.compute.resources import Resource
from app.kernel.database import Transaction
from app.kernel.errors import Refusal
from app.kernel.ids import new_key
from app.kernel.tables import table_of
from app.kernel.viewer import Viewer
from app.licensing.models import OperationFailureRow

FAILURE = table_of(OperationFailureRow)


def note_failures(
    tx: Transaction,
    viewer: Viewer,
    operation: str,
    configuration_key: int,
    failed: Sequence[tuple[Resource, Refusal]],
) -> None:
    """Keep what was refused: the operation, the resource, why, who asked and when."""
    for resource, refusal in failed:
        tx.add(
            FAILURE,
            {
                "id": new_key(),
                "configuration_id": configuration_key,
                "account_id": resource.account_id,
                "operation": operation,
                "resource_arn": resource.arn,
                "resource_type": resource.type,
                "error_code": refusal.code.value,
                "error_message": refusal.message[:2000],
                "requested_by": viewer.principal_arn,
                "failed_at": tx.now,
            },
        )
