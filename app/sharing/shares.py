"""What an owner does with its resource shares: create, change, delete (SH-1, SH-2, SH-5)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from app.kernel.checks import require
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal, invalid, not_found, refuse
from app.kernel.ids import check_text, key_of, node_id
from app.kernel.regions import region as region_of
from app.kernel.tags import check_tags
from app.kernel.viewer import Viewer
from app.linking.acts import Act
from app.linking.crossing import ChangeOfShare, checks_to_change_share
from app.organizations.locks import hold
from app.organizations.rules import Membership
from app.organizations.service import account_keys, members
from app.sharing import store
from app.sharing.configurations import configurations
from app.sharing.invitations import invite
from app.sharing.managed import only_owner_shares
from app.sharing.principals import canonical
from app.sharing.reach import follow_shares
from app.sharing.rules import MAX_IN_A_CALL, SERVICE_TAG, is_account
from app.sharing.sight import configurations_seen, share_seen
from app.sharing.store import Share

MAX_NAME = 128


@dataclass(frozen=True, slots=True)
class NewShare:
    """A share to be made; license configurations by global ids, principals as clients name them."""

    region: str
    name: str
    configuration_ids: Sequence[str]
    principals: Sequence[str]
    allow_external_principals: bool = False
    tags: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class ShareChange:
    """What is to change of a share."""

    name: str | None = None
    add_configuration_ids: Sequence[str] = ()
    remove_configuration_ids: Sequence[str] = ()
    add_principals: Sequence[str] = ()
    remove_principals: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Named:
    """Principals that are added: all of them, and the accounts among them, in the owner's organization and not."""

    all: Sequence[str] = ()
    inside: Sequence[str] = field(default=())
    outside: Sequence[str] = field(default=())

    @property
    def units(self) -> bool:
        return any(not is_account(each) for each in self.all)


def create(tx: Transaction, viewer: Viewer, new: NewShare) -> int:
    """Make a share; inside a linked organization it is in force at once, outside accounts are invited (SH-2).

    Returns its key.
    """
    check_text(new.name, "A share's name", MAX_NAME, "input", "name")
    region_of(new.region, "input", "region")
    tags = check_tags(new.tags, "input", "tags")
    _check_number(new.configuration_ids, "licenseConfigurationIds")
    _check_number(new.principals, "principals")
    place = hold(tx, viewer.account_id)
    names = _canonical(tx, viewer, place, new.principals, "principals")
    named = _named(tx, place, names)
    change = ChangeOfShare(
        acts=[Act.CREATE_SHARE, *([Act.ADD_TO_SHARE] if names or new.configuration_ids else [])],
        serviced=SERVICE_TAG in tags,
        units=named.units,
        inside=named.inside,
        outside=named.outside,
        allow_external_principals=new.allow_external_principals,
    )
    require(checks_to_change_share(tx.connection, place, viewer.account_id, new.region, change))
    keys = _own_configurations(tx, viewer, new.configuration_ids, new.region, "licenseConfigurationIds")
    key = store.add(
        tx,
        viewer.account_id,
        new.region,
        new.name,
        allow_external_principals=new.allow_external_principals,
        tag_pairs=tags,
    )
    share = _loaded(tx, key)
    store.add_items(tx, key, keys)
    store.add_principals(tx, key, names)
    _follow(tx, share, place, named)
    _concern(tx, share, names)
    return key


def update(tx: Transaction, viewer: Viewer, share_id: str, change: ShareChange) -> int:
    """Change a share of the caller's account; what is taken out stops new associations alone (SH-5). Returns its key.

    To name an account again that declined, or whose invitation expired, invites it again.
    """
    if change.name is not None:
        check_text(change.name, "A share's name", MAX_NAME, "input", "name")
    _check_number(change.add_configuration_ids, "addLicenseConfigurationIds")
    _check_number(change.remove_configuration_ids, "removeLicenseConfigurationIds")
    _check_number(change.add_principals, "addPrincipals")
    _check_number(change.remove_principals, "removePrincipals")
    place = hold(tx, viewer.account_id)
    share = own_share(tx, viewer, share_id, "input", "id")
    removed_names = _named_already(tx, share, change.remove_principals, place)
    removed_keys = _items_already(tx, share, change.remove_configuration_ids)
    names = _canonical(tx, viewer, place, change.add_principals, "addPrincipals")
    named = _named(tx, place, names)
    _check_apart(names, removed_names, "removePrincipals")
    require(
        checks_to_change_share(
            tx.connection,
            place,
            viewer.account_id,
            share.region,
            ChangeOfShare(
                acts=_acts(change),
                serviced=share.serviced,
                share_arn=share.arn,
                units=named.units,
                inside=named.inside,
                outside=named.outside,
                allow_external_principals=share.allow_external_principals,
            ),
        )
    )
    added_keys = _own_configurations(
        tx, viewer, change.add_configuration_ids, share.region, "addLicenseConfigurationIds"
    )
    _check_apart(added_keys, removed_keys, "removeLicenseConfigurationIds")
    if change.name is not None:
        store.rename(tx, share.key, change.name)
    if removed_keys:
        store.end_items(
            tx, store.items.c.share_id == share.key, store.items.c.configuration_id.in_(sorted(removed_keys))
        )
    if removed_names:
        store.remove_principals(tx, share.key, sorted(removed_names))
        follow_shares(tx, [share.key])
    there = store.items_of(tx.connection, share.key)
    store.add_items(tx, share.key, [key for key in added_keys if key not in there])
    known = store.principals_of(tx.connection, share.key)
    store.add_principals(tx, share.key, [name for name in names if name not in known])
    _follow(tx, share, place, named)
    _concern(tx, share, {*names, *removed_names})
    return share.key


def delete(tx: Transaction, viewer: Viewer, share_id: str) -> str:
    """End a share: what is associated through it goes on consuming (SH-5). Returns its global id."""
    place = hold(tx, viewer.account_id)
    share = own_share(tx, viewer, share_id, "id")
    change = ChangeOfShare(acts=[Act.DELETE_SHARE], serviced=share.serviced, share_arn=share.arn)
    require(checks_to_change_share(tx.connection, place, viewer.account_id, share.region, change))
    names = store.principals_of(tx.connection, share.key)
    store.close(tx, [share.key])
    follow_shares(tx, [share.key])
    _concern(tx, share, names)
    return share_id


# ------------------------------------------------------------ what is named


def own_share(tx: Transaction, viewer: Viewer, share_id: str, *field: str) -> Share:
    """An active share of the caller's account; ACCESS_DENIED for one that it was given, NOT_FOUND for any other."""
    key = key_of(share_id, "share", "The resource share", *field)
    share = store.load(tx.connection, key)
    if share is None or not share_seen(tx.connection, share, viewer.account_id):
        raise not_found("The resource share", *field)
    tx.concern(share.arn, share.owner_account_id)
    if share.owner_account_id != viewer.account_id:
        raise DomainError(
            Refusal(
                code=ErrorCode.ACCESS_DENIED,
                message=f"The share belongs to account {share.owner_account_id}; only its owner changes or deletes it.",
                remedy=f"Ask an administrator of account {share.owner_account_id}.",
                rule="SH-3",
                field=field,
                account_id=share.owner_account_id,
                node_ids=(share_id,),
            )
        )
    if not share.active:
        raise DomainError(
            Refusal(
                code=ErrorCode.CONFLICT,
                message="The share is deleted.",
                remedy="Create another one.",
                rule="SH-1",
                field=field,
                node_ids=(share_id,),
            )
        )
    return share


def _own_configurations(tx: Transaction, viewer: Viewer, ids: Sequence[str], region: str, name: str) -> list[int]:
    """The keys of license configurations that the caller owns in a Region, each once (SH-1, RG-3)."""
    keys = [key_of(each, "lc", "The license configuration", "input", name, str(at)) for at, each in enumerate(ids)]
    found = configurations(tx.connection, keys)
    seen = configurations_seen(tx.connection, keys, [viewer.account_id]) if keys else set()
    refusals: list[Refusal] = []
    for position, key in enumerate(keys):
        facts, field = found.get(key), ("input", name, str(position))
        if facts is None or (key, viewer.account_id) not in seen:
            refusals += not_found("The license configuration", *field).refusals
        elif facts.owner_account_id != viewer.account_id:
            refusals.append(only_owner_shares(facts).at(*field))
        elif facts.region != region:
            refusals.append(_elsewhere(key, facts.region, region).at(*field))
        else:
            tx.concern(facts.arn, facts.owner_account_id)
    refuse(refusals)
    return list(dict.fromkeys(keys))


def _elsewhere(key: int, region: str, wanted: str) -> Refusal:
    return Refusal(
        code=ErrorCode.REGION_MISMATCH,
        message=f"The license configuration is in {region}; the share is in {wanted}.",
        remedy=f"Share it in {region}.",
        rule="RG-3",
        node_ids=(node_id("lc", key),),
    )


def _items_already(tx: Transaction, share: Share, ids: Sequence[str]) -> set[int]:
    """The keys of license configurations that are in a share."""
    there = store.items_of(tx.connection, share.key)
    found: set[int] = set()
    for position, each in enumerate(ids):
        field = ("input", "removeLicenseConfigurationIds", str(position))
        key = key_of(each, "lc", "The license configuration", *field)
        if key not in there:
            raise not_found("The license configuration", *field)
        found.add(key)
    return found


def _named_already(tx: Transaction, share: Share, texts: Sequence[str], place: Membership | None) -> set[str]:
    """The principals of a share that some texts name; as they were written even where they are no one's any more."""
    there = store.principals_of(tx.connection, share.key)
    field = ("input", "removePrincipals")
    names = canonical(tx.connection, share.owner_account_id, place, texts, *field, known=there)
    refuse(
        refusal
        for position, name in enumerate(names)
        if name not in there
        for refusal in not_found("The principal", *field, str(position)).refusals
    )
    return set(names)


def _canonical(tx: Transaction, viewer: Viewer, place: Membership | None, texts: Sequence[str], name: str) -> list[str]:
    """The principals that are to be named, each once."""
    return list(dict.fromkeys(canonical(tx.connection, viewer.account_id, place, texts, "input", name)))


def _named(tx: Transaction, place: Membership | None, names: Sequence[str]) -> _Named:
    accounts = [name for name in names if is_account(name)]
    beside = {each.account_id for each in members(tx.connection, place.organization_key)} if place and accounts else {}
    inside = [each for each in accounts if each in beside]
    return _Named(names, inside, [each for each in accounts if each not in beside])


def _acts(change: ShareChange) -> list[Act]:
    asked = {
        Act.RENAME_SHARE: change.name is not None,
        Act.ADD_TO_SHARE: bool(change.add_configuration_ids or change.add_principals),
        Act.REMOVE_FROM_SHARE: bool(change.remove_configuration_ids or change.remove_principals),
    }
    return [act for act, wanted in asked.items() if wanted]


def _check_number(given: Sequence[str], name: str) -> None:
    if len(given) > MAX_IN_A_CALL:
        raise invalid(f"One call names at most {MAX_IN_A_CALL}; these are {len(given)}.", "input", name, rule="API-3")


def _check_apart(added: Collection[object], removed: Collection[object], name: str) -> None:
    if not set(added).isdisjoint(removed):
        raise invalid("The same is to be added and removed.", "input", name, remedy="Name it once.", rule="SH-1")


# ------------------------------------------------------------ what follows


def _follow(tx: Transaction, share: Share, place: Membership | None, named: _Named) -> None:
    """Invite whom the share does not reach by the link, then work out whom it reaches."""
    linked = place is not None and place.organization.linked
    invite(tx, share, place, [*([] if linked else named.inside), *named.outside])
    follow_shares(tx, [share.key])


def _loaded(tx: Transaction, key: int) -> Share:
    tx.flush()
    share = store.load(tx.connection, key)
    assert share is not None
    return share


def _concern(tx: Transaction, share: Share, names: Collection[str]) -> None:
    """Note the share for its owner's audit trail and for those of the accounts that it names (AU-4)."""
    tx.concern(share.arn, share.owner_account_id)
    for account_id in sorted(account_keys(tx.connection, [name for name in names if is_account(name)])):
        tx.concern(share.arn, account_id)
