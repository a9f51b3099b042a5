"""Who sees an alert, as one predicate for lists, nodes and the feed (PM-2, AL-2)."""

from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from app.alerts.rules import AlertKind
from app.kernel.reads import Scope
from app.sharing.sight import shared_with

LIMIT_KINDS = (AlertKind.LIMIT_APPROACHING.value, AlertKind.LIMIT_EXCEEDED.value)


def sees_alert(alert: Any, scope: Scope) -> ColumnElement[bool]:
    """The owner sees all of a configuration; a sharee what its own account caused, and how the limit stands (SH-3)."""
    viewer = scope.viewer_account
    return or_(
        alert.c.owner_account_id == viewer,
        and_(
            alert.c.configuration_id.in_(shared_with(viewer)),
            or_(alert.c.account_id == viewer, alert.c.kind.in_(LIMIT_KINDS)),
        ),
    )


def its_own_affair(alert: Any, scope: Scope) -> ColumnElement[bool]:
    """Whether the viewer owns the configuration or caused the alert; a sharee learns nothing of other sharees."""
    return or_(alert.c.owner_account_id == scope.viewer_account, alert.c.account_id == scope.viewer_account)
