"""Images: registered, shared with accounts, and deregistered (EN-8, IN-5)."""

from collections.abc import Sequence

from sqlalchemy import delete, select

from app.compute import owned
from app.compute.departure import depart
from app.compute.models import ImageShareRow
from app.compute.resources import Resource
from app.compute.rules import ResourceType
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal, invalid
from app.kernel.ids import check_account_id, check_text, node_id
from app.kernel.regions import region as known_region
from app.kernel.tables import table_of
from app.kernel.viewer import Viewer
from app.licensing.associations import on_resources, remove

shares = table_of(ImageShareRow)
MOST_SHARES = 1_000
WHAT = "The image"


def register(
    tx: Transaction, viewer: Viewer, region: str, name: str, *, platform: str | None, product_code: str | None
) -> int:
    """Register an image of the viewer's account; its key. Names are unique in an account and Region, as EC2's are."""
    known_region(region, "input", "region")
    check_text(name, "The name", 128, "input", "name")
    if platform is not None:
        check_text(platform, "The platform", 128, "input", "platform")
    if product_code is not None:
        check_text(product_code, "The product code", 128, "input", "productCode")
    taken = owned.name_taken(tx, viewer, region, ResourceType.IMAGE, name)
    if taken is not None:
        raise DomainError(named_already("An image", name, region, taken))
    return owned.write(tx, viewer, region, ResourceType.IMAGE, name=name, platform=platform, product_code=product_code)


def share(tx: Transaction, viewer: Viewer, image_id: str, account_ids: Sequence[str]) -> int:
    """Let exactly these accounts see and launch an image; its key.

    Any twelve digits can be named, as with EC2's launch permissions: who has an account here is no one's affair. From
    an account that loses the image, its license configurations are taken off it.
    """
    if len(account_ids) > MOST_SHARES:
        raise invalid(
            f"An image is shared with at most {MOST_SHARES} accounts; {len(account_ids)} are given.",
            "accountIds",
            rule="API-3",
        )
    for position, account_id in enumerate(account_ids):
        check_account_id(account_id, "accountIds", str(position))
    image = owned.own(tx, viewer, image_id, ResourceType.IMAGE, WHAT)
    wanted = set(account_ids) - {viewer.account_id}
    present = set(tx.execute(select(shares.c.account_id).where(shares.c.image_id == image.key)).scalars())
    for account_id in sorted(wanted - present):
        tx.add(shares, {"image_id": image.key, "account_id": account_id})
    _withdraw(tx, image, present - wanted)
    return image.key


def _withdraw(tx: Transaction, image: Resource, account_ids: set[str]) -> None:
    if not account_ids:
        return
    tx.execute(delete(shares).where(shares.c.image_id == image.key, shares.c.account_id.in_(sorted(account_ids))))
    theirs = [each.key for each in on_resources(tx.connection, [image.key]) if each.account_id in account_ids]
    remove(tx, theirs)


def deregister(tx: Transaction, viewer: Viewer, image_id: str) -> str:
    """Take an image away, and at once every license configuration off it; its global id. What runs goes on running."""
    image = owned.own(tx, viewer, image_id, ResourceType.IMAGE, WHAT)
    depart(tx, [image])
    return node_id("res", image.key)


def named_already(kind: str, name: str, region: str, key: int) -> Refusal:
    """A name that another of the account's resources has."""
    return Refusal(
        code=ErrorCode.INVALID_INPUT,
        message=f"{kind} named “{name}” is in {region} already.",
        remedy="Choose another name.",
        field=("input", "name"),
        node_ids=(node_id("res", key),),
    )
