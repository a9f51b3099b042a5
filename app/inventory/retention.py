"""What time does to the inventory: old data ends, stale associations go (IN-4, IN-5). Run on a schedule.

Each call takes a part that doesn't hold up other writers, and says how many it dealt with: run it until that is none.
"""

from datetime import datetime, timedelta

from app.compute import managed
from app.compute.departure import gone_but_carrying
from app.inventory.rules import RETENTION_DAYS
from app.kernel.database import Transaction
from app.licensing.recount import recount_resources
from app.licensing.release import purge, release

AT_ONCE = 500


def expire(tx: Transaction, now: datetime, days: int = RETENTION_DAYS, at_most: int = AT_ONCE) -> int:
    """Make managed instances inactive whose data was captured that many days ago or longer; how many were dealt with.

    Their licenses are released; their associations stay, and count again with the next report. Those that a longer
    retention brings back within their time are active again.
    """
    end = now - timedelta(days=days)
    outdated = managed.outdated(tx, end, at_most)
    keys = [each.key for each in outdated]
    release(tx, keys, forget=False)
    managed.set_active(tx, keys, active=False)
    renewed = managed.renewed(tx, end, at_most)
    again = [each.key for each in renewed]
    managed.set_active(tx, again, active=True)
    recount_resources(tx, again)
    for each in (*outdated, *renewed):
        tx.concern(each.arn, each.account_id)
    return len(outdated) + len(renewed)


def purge_stale(tx: Transaction, at_most: int = AT_ONCE) -> int:
    """Take license configurations off what is gone, however it went; how many resources were dealt with (IN-5)."""
    tx.flush()
    keys = gone_but_carrying(tx.connection, at_most)
    purge(tx, keys)
    return len(keys)
