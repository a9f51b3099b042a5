"""Managed instances: reported by one who says so, and deregistered (EN-10, IN-4, RO-2)."""

from app.compute.departure import depart
from app.compute.owned import own
from app.compute.rules import ResourceType
from app.inventory.bounds import findings
from app.inventory.reported import Report
from app.inventory.reports import write
from app.kernel.database import Transaction
from app.kernel.ids import node_id
from app.kernel.viewer import Viewer
from app.roles.service import require_core


def put(tx: Transaction, viewer: Viewer, report: Report) -> int:
    """Take a report of a server of the viewer's account; the managed instance's key.

    What it consumes follows at once. A report that was captured before the one that is known, or before the server was
    deregistered, changes nothing.
    """
    require_core(tx.connection, viewer.account_id)
    findings(report, tx.now).close()
    return write(tx, viewer.account_id, report.region, [report]).keys[report.resource_id]


def deregister(tx: Transaction, viewer: Viewer, instance_id: str) -> str:
    """Take a managed instance out of the inventory, and at once its licenses back; its global id (IN-4)."""
    require_core(tx.connection, viewer.account_id)
    instance = own(tx, viewer, instance_id, ResourceType.MANAGED_INSTANCE, "The managed instance")
    depart(tx, [instance])
    return node_id("res", instance.key)
