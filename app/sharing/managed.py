"""The share that the service keeps for a linked organization: one in each Region in which it is needed (ST-3, IN-6)."""

from sqlalchemy import Connection

from app.kernel.checks import Check, require
from app.kernel.database import Transaction
from app.kernel.errors import ErrorCode, Refusal, not_found
from app.kernel.viewer import Viewer
from app.linking.crossing import checks_to_share_with_members
from app.organizations.locks import hold
from app.organizations.rules import Membership
from app.sharing import store
from app.sharing.configurations import ConfigurationFacts, configuration
from app.sharing.reach import follow_shares
from app.sharing.rules import SERVICE_TAG
from app.sharing.sight import configurations_seen

NAME = "AWSLicenseManager"


def ensure(tx: Transaction, master: Membership, region: str) -> int:
    """The key of the organization's share in a Region, made where it is not there, for the whole organization."""
    tx.flush()
    key = store.managed(tx.connection, master.account_id, region)
    if key is None:
        key = store.add(
            tx,
            master.account_id,
            region,
            NAME,
            allow_external_principals=False,
            tag_pairs=[SERVICE_TAG],
            managed=True,
        )
        tx.flush()
    if master.organization_id not in store.principals_of(tx.connection, key):
        store.add_principals(tx, key, [master.organization_id])
        follow_shares(tx, [key])
    return key


def checks_to_share(connection: Connection, account_id: str, configuration_key: int) -> list[Check]:
    """What sharing a license configuration with all member accounts asks of an account; first, that it is its own."""
    facts = configuration(connection, configuration_key)
    refusal = _not_own(connection, account_id, configuration_key, facts)
    own = Check("SH-3", "The account owns the license configuration", refusal)
    if facts is None or not own.passed:
        return [own]
    return [own, *checks_to_share_with_members(connection, account_id, facts.region)]


def share_with_members(tx: Transaction, viewer: Viewer, configuration_key: int) -> int:
    """Share a license configuration with every account of the organization, through its share (IN-6).

    For its owner, the master account of a linked organization. Done already, it stays so. Returns the share's key.
    """
    place = hold(tx, viewer.account_id)
    require(checks_to_share(tx.connection, viewer.account_id, configuration_key))
    facts = configuration(tx.connection, configuration_key)
    assert place is not None
    assert facts is not None
    key = ensure(tx, place, facts.region)
    if configuration_key not in store.items_of(tx.connection, key):
        store.add_items(tx, key, [configuration_key])
    share = store.load(tx.connection, key)
    assert share is not None
    tx.concern(share.arn, viewer.account_id)
    return key


def close(tx: Transaction, master_account_id: str) -> None:
    """Delete the organization's shares in all Regions: the link is undone."""
    keys = store.all_managed(tx.connection, master_account_id)
    store.close(tx, keys)
    follow_shares(tx, keys)


def _not_own(connection: Connection, account_id: str, key: int, facts: ConfigurationFacts | None) -> Refusal | None:
    if facts is not None and facts.owner_account_id == account_id:
        return None
    if facts is None or not configurations_seen(connection, [key], [account_id]):
        return not_found("The license configuration", "input", "licenseConfigurationId").refusals[0]
    return only_owner_shares(facts).at("input", "licenseConfigurationId")


def only_owner_shares(facts: ConfigurationFacts) -> Refusal:
    """The refusal of sharing what was itself shared."""
    return Refusal(
        code=ErrorCode.ACCESS_DENIED,
        message=f"License configuration {facts.arn} belongs to account {facts.owner_account_id}; only its owner "
        "shares it.",
        remedy=f"Ask an administrator of account {facts.owner_account_id}.",
        rule="SH-3",
        account_id=facts.owner_account_id,
    )
