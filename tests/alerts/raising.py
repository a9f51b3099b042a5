"""Alerts raised as the gate raises them, without a launch around each."""

from typing import Any

from app.alerts.rules import AlertKind
from app.alerts.service import AlertDraft, raise_alert
from app.kernel.database import Database
from app.kernel.ids import service_arn

OWNER, SHAREE, OTHER = "111122223333", "222233334444", "333344445555"
REGION = "us-east-1"


def draft(message: str = "an alert", **given: Any) -> AlertDraft:
    """An alert of OWNER's license configuration 7."""
    usual: dict[str, Any] = {
        "kind": AlertKind.LIMIT_EXCEEDED,
        "configuration_key": 7,
        "configuration_arn": service_arn(REGION, OWNER, "license-configuration:lic-" + "0" * 32),
        "owner_account_id": OWNER,
        "region": REGION,
        "account_id": OWNER,
        "resource_key": None,
        "message": message,
        "consumed": 11,
        "license_count": 10,
    }
    return AlertDraft(**{**usual, **given})


async def raise_alerts(database: Database, *messages: str, **given: Any) -> None:
    """Raise alerts in one transaction, in this order."""

    def work(tx: Any) -> None:
        for message in messages:
            raise_alert(tx, draft(message, **given))

    await database.write(work)
