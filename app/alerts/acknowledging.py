"""Alerts acknowledged by a person, with a note (AL-3)."""

from sqlalchemy import RowMapping, select, update

from app.alerts.loaders import LIMIT_KINDS
from app.alerts.models import AlertRow
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal, not_found
from app.kernel.ids import check_text, key_of, node_id
from app.kernel.tables import table_of
from app.kernel.viewer import Viewer
from app.sharing.sight import configurations_seen

ALERT = table_of(AlertRow)
LONGEST_NOTE = 1_000


def acknowledge(tx: Transaction, viewer: Viewer, id: str, note: str | None) -> int:
    """Note who has taken care of an alert, and when; once only. The configuration's owner may, and who caused it."""
    key = key_of(id, "alert", "The alert", "id")
    if note is not None:
        check_text(note, "The note", LONGEST_NOTE, "note", minimum=0)
    row = tx.execute(select(ALERT).where(ALERT.c.id == key)).mappings().first()
    if row is None or not _sees(tx, viewer, row):
        raise not_found("The alert", "id")
    if viewer.account_id not in (row["owner_account_id"], row["account_id"]):
        raise DomainError(_of_others(row["owner_account_id"], key))
    tx.concern(row["configuration_arn"], row["owner_account_id"])
    written = tx.execute(
        update(ALERT)
        .where(ALERT.c.id == key, ALERT.c.acknowledged_at.is_(None))
        .values(acknowledged_at=tx.now, acknowledged_by=viewer.principal_arn, note=note)
    )
    if written.rowcount == 0:
        raise DomainError(
            Refusal(
                code=ErrorCode.CONFLICT,
                message="The alert is acknowledged already.",
                remedy="Read who did, and when, on the alert itself.",
                rule="AL-3",
                field=("id",),
                node_ids=(node_id("alert", key),),
            )
        )
    return key


def _sees(tx: Transaction, viewer: Viewer, row: RowMapping) -> bool:
    """What `sees_alert` says, of one alert."""
    if row["owner_account_id"] == viewer.account_id:
        return True
    if row["account_id"] != viewer.account_id and row["kind"] not in LIMIT_KINDS:
        return False
    return bool(configurations_seen(tx.connection, [row["configuration_id"]], [viewer.account_id]))


def _of_others(owner_account_id: str, key: int) -> Refusal:
    """A sharee sees how the limit stands, and does not take it off the owner's hands."""
    return Refusal(
        code=ErrorCode.ACCESS_DENIED,
        message="The alert is of a license configuration that is shared with the account, and others caused it.",
        remedy=f"The owner, account {owner_account_id}, acknowledges it.",
        rule="AL-3",
        field=("id",),
        account_id=owner_account_id,
        node_ids=(node_id("alert", key),),
    )
