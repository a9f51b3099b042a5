"""Takes what AWS told of an account's Region as a difference to what is known (IN-3, IN-5, EN-10).

What is new is written, judged by the license configurations of its image and launch template, and counted past any
limit: it runs already, so a violation is an alert and nothing is stopped. What is gone is released; what changed is
written, and what it consumes follows. The same observation taken again writes nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app.compute import observed as rows
from app.compute.departure import depart
from app.compute.observed import Found, Known, Pair
from app.compute.resources import load, running_on
from app.compute.rules import ResourceType
from app.inventory.observation import Observation, ObservedImage, ObservedTemplate
from app.inventory.observed_instances import take_instances
from app.inventory.rules import distinct_names
from app.kernel.changes import Change, Changes
from app.kernel.database import Transaction
from app.kernel.errors import not_found
from app.kernel.ids import check_account_id
from app.kernel.regions import region as known_region
from app.licensing.recount import recount_resources
from app.organizations.accounts import create_standalone
from app.organizations.service import account_exists

FIGURES = ("instance_family", "sockets", "cores", "vcpus")


def apply(tx: Transaction, observation: Observation) -> Changes:
    """Make what is known of an account's Region what was observed; what that changed.

    Raises DomainError for an account that the service does not know and for a Region that is none.
    """
    check_account_id(observation.account_id, "accountId")
    known_region(observation.region, "region")
    tx.flush()
    if not account_exists(tx.connection, observation.account_id):
        raise not_found(f"Account {observation.account_id}", "accountId")
    return _Work(tx, observation).run()


class _Work:
    """One observation: what instances refer to comes before them, what they leave behind goes after them."""

    def __init__(self, tx: Transaction, observation: Observation) -> None:
        self.tx, self.observation = tx, observation
        self.account_id, self.region = observation.account_id, observation.region
        self.changes = Changes()
        self.leaving: list[int] = []

    def run(self) -> Changes:
        self._images()
        self._templates()
        self._hosts()
        if self.observation.instances is not None:
            take_instances(self.tx, self.account_id, self.region, self.observation.instances, self.changes)
        if self.leaving:
            depart(self.tx, list(load(self.tx.connection, self.leaving, gone=True).values()))
        return self.changes

    def _images(self) -> None:
        seen = self.observation.images
        if seen is None:
            return
        own = [each for each in seen if each.owner_account_id == self.account_id]
        known = rows.known(self.tx.connection, self.account_id, self.region, ResourceType.IMAGE)
        names = distinct_names([(each.resource_id, each.name) for each in own], _present(known, own))
        found = [Found(each.resource_id, _image_facts(each, names), each.tags) for each in own]
        self._take("images", ResourceType.IMAGE, known, found)
        self._foreign_images([each for each in seen if each.owner_account_id != self.account_id])

    def _foreign_images(self, seen: Sequence[ObservedImage]) -> None:
        """Images of others, which the account may launch (EN-8): of public ones, of which there are many, those in use.

        They are written once and then left to what is observed of their owners.
        """
        used = self._used_images()
        wanted = [each for each in seen if not each.public or each.resource_id in used]
        visible: set[int] = set()
        for owner in sorted({each.owner_account_id for each in wanted}):
            theirs = {each.resource_id: each for each in wanted if each.owner_account_id == owner}
            present = rows.keys_by_id(self.tx.connection, self.region, ResourceType.IMAGE, theirs, owner)
            visible.update(present.values())
            visible.update(self._add_foreign(owner, [each for id_, each in theirs.items() if id_ not in present]))
        self.changes.note("shared images", Change.ADDED, rows.share_images(self.tx, self.account_id, visible))

    def _add_foreign(self, owner: str, new: Sequence[ObservedImage]) -> list[int]:
        if not new:
            return []
        if not account_exists(self.tx.connection, owner):
            create_standalone(self.tx, owner, new[0].owner_name or owner)
        known = rows.known(self.tx.connection, owner, self.region, ResourceType.IMAGE)
        names = distinct_names([(each.resource_id, each.name) for each in new], _present(known))
        found = [Found(each.resource_id, _image_facts(each, names)) for each in new]
        self.changes.note("images", Change.ADDED, len(found))
        return rows.add(self.tx, owner, self.region, ResourceType.IMAGE, found)

    def _used_images(self) -> set[str | None]:
        launched = {each.launches.image_id for each in self.observation.templates or () if each.launches}
        return launched | {each.image_id for each in self.observation.instances or ()}

    def _templates(self) -> None:
        seen = self.observation.templates
        if seen is None:
            return
        ids = {each.launches.image_id for each in seen if each.launches} - {None}
        images = rows.keys_by_id(self.tx.connection, self.region, ResourceType.IMAGE, map(str, ids))
        known = rows.known(self.tx.connection, self.account_id, self.region, ResourceType.LAUNCH_TEMPLATE)
        names = distinct_names([(each.resource_id, each.name) for each in seen], _present(known, seen))
        found = [Found(each.resource_id, _template_facts(each, names, images), each.tags) for each in seen]
        self._take("launch templates", ResourceType.LAUNCH_TEMPLATE, known, found)

    def _hosts(self) -> None:
        seen = self.observation.hosts
        if seen is None:
            return
        known = rows.known(self.tx.connection, self.account_id, self.region, ResourceType.DEDICATED_HOST)
        found = [Found(each.resource_id, {name: getattr(each, name) for name in FIGURES}, each.tags) for each in seen]
        changed = self._take("Dedicated Hosts", ResourceType.DEDICATED_HOST, known, found)
        resized = [present.key for present, each in changed if present.differs(each.facts)]
        running = running_on(self.tx.connection, resized)
        for host in resized:
            recount_resources(self.tx, [host, *running.get(host, ())])

    def _take(self, what: str, kind: ResourceType, known: Mapping[str, Known], found: Sequence[Found]) -> list[Pair]:
        """Write one kind; returns what was not as it is. What is gone keeps what it carries until the end."""
        compared = rows.compare(known, found)
        gone = [each.key for each in compared.vanished]
        rows.leave(self.tx, gone)
        self.leaving += gone
        rows.change(self.tx, [*compared.returned, *compared.changed])
        rows.add(self.tx, self.account_id, self.region, kind, compared.new)
        self.changes.note(what, Change.ADDED, len(compared.new) + len(compared.returned))
        self.changes.note(what, Change.CHANGED, len(compared.changed))
        self.changes.note(what, Change.GONE, len(gone))
        return compared.changed


def _present(
    known: Mapping[str, Known], staying: Sequence[ObservedImage | ObservedTemplate] | None = None
) -> dict[str, str]:
    """The names that are in use: of what is there, and stays there."""
    stays = None if staying is None else {each.resource_id for each in staying}
    return {
        id_: each.values["name"]
        for id_, each in known.items()
        if not each.gone and (stays is None or id_ in stays or not each.seen)
    }


def _image_facts(image: ObservedImage, names: Mapping[str, str]) -> dict[str, Any]:
    return {"name": names[image.resource_id], "platform": image.platform, "product_code": image.product_code}


def _template_facts(template: ObservedTemplate, names: Mapping[str, str], images: Mapping[str, int]) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": names[template.resource_id]}
    if template.launches is not None:
        image_id = template.launches.image_id
        facts["image_id"] = images.get(image_id) if image_id else None
        facts["instance_type"] = template.launches.instance_type
    return facts
