"""Whether an account may use a license configuration that it does not own, and if not any more, why (SH-4, TR-8)."""

from collections.abc import Sequence

from sqlalchemy import Connection

from app.kernel.checks import Check, require
from app.kernel.errors import ErrorCode, Refusal, not_found
from app.linking.rules import access_on, is_linked
from app.organizations.rules import Membership
from app.organizations.service import membership
from app.sharing.configurations import ConfigurationFacts, configuration
from app.sharing.history import has, past_reaches
from app.sharing.rules import PastReach, is_account, together

_IN_ORGANIZATION = "The account is in the organization of the license configuration's owner, or was invited"
_IN_SHARE = "The account is in a resource share of the license configuration's owner"
_SHARED = "The license configuration is in the resource share"


def checks_to_use(connection: Connection, account_id: str, configuration_key: int) -> list[Check]:
    """What associating with a license configuration asks of the account that does it.

    To an account that never had it, a license configuration of another does not exist (PM-2); one that once had it is
    told which of the three causes took it away.
    """
    facts = configuration(connection, configuration_key)
    absent = Check("PM-2", "The license configuration exists", not_found("The license configuration").refusals[0])
    if facts is None:
        return [absent]
    if facts.owner_account_id == account_id:
        return [Check("SH-3", "The account owns the license configuration")]
    return shared_checks(connection, account_id, facts) or [absent]


def require_usable(connection: Connection, account_id: str, configuration_key: int) -> None:
    """Raise what stands against an account's use of a license configuration."""
    require(checks_to_use(connection, account_id, configuration_key))


def shared_checks(connection: Connection, account_id: str, facts: ConfigurationFacts) -> list[Check]:
    """The same for an account that does not own it; no checks at all where it never had it."""
    if has(connection, account_id, facts.key):
        return [Check("SH-4", text) for text in (_IN_ORGANIZATION, _IN_SHARE, _SHARED)]
    past = past_reaches(connection, account_id, facts.key)
    if not past:
        return []
    owner, account = membership(connection, facts.owner_account_id), membership(connection, account_id)
    judged = [_lost(account_id, facts, each, owner, account) for each in past]
    return min(judged, key=lambda checks: sum(not check.passed for check in checks))


def never_shared(account_id: str, facts: ConfigurationFacts) -> Check:
    """The refusal for the owner, who acts on a resource of an account that has no share of its configuration."""
    refusal = Refusal(
        code=ErrorCode.NOT_IN_RESOURCE_SHARE,
        message=f"License configuration {facts.arn} is not shared with account {account_id}, whose resource it is.",
        remedy="Share it first: createResourceShare, or associate with shareWithMemberAccounts true.",
        rule="SH-4",
        account_id=account_id,
    )
    return Check("SH-4", _IN_SHARE, refusal)


def _lost(
    account_id: str, facts: ConfigurationFacts, past: PastReach, owner: Membership | None, account: Membership | None
) -> list[Check]:
    inside = past.reach.organization_key is not None
    out = inside and not together(owner, account)
    checks = [Check("SH-4", _IN_ORGANIZATION, _removed(account_id, facts) if out else None)]
    if inside and not out and owner is not None:
        checks.append(access_on(owner.organization, account_id))
        if not past.reach.invited:
            checks.append(is_linked(owner.organization, "SH-2"))
    named = _names(past, account_id, None if out else account, out=out)
    checks.append(Check("SH-4", _IN_SHARE, None if named else _left_out(account_id, facts, past)))
    checks.append(Check("SH-4", _SHARED, None if past.holds_configuration else _taken_out(account_id, facts, past)))
    return checks


def _names(past: PastReach, account_id: str, account: Membership | None, *, out: bool) -> bool:
    """Whether the share still is for the account; of one that left the organization, as far as that can be told."""
    share = past.share
    if not share.active:
        return False
    if out:
        return account_id in share.principals or not all(is_account(each) for each in share.principals)
    if past.reach.invited:
        return account_id in share.principals and account_id in share.accepted
    return account is not None and bool(account.principals & share.principals)


def _removed(account_id: str, facts: ConfigurationFacts) -> Refusal:
    return Refusal(
        code=ErrorCode.NOT_IN_ORGANIZATION,
        message=f"Account {account_id} is not in the organization of account {facts.owner_account_id} any more, so "
        f"license configuration {facts.arn} can't be associated with more of its resources. Those that are associated "
        "stay so and go on consuming.",
        remedy="The organization's master account invites the account again: inviteAccount(accountId: "
        f'"{account_id}").',
        rule="TR-8",
        account_id=account_id,
    )


def _left_out(account_id: str, facts: ConfigurationFacts, past: PastReach) -> Refusal:
    what = (
        f"Account {account_id} is not in resource share “{past.share_name}” any more"
        if past.share.active
        else f"Resource share “{past.share_name}”, which account {account_id} was in, is deleted"
    )
    return Refusal(
        code=ErrorCode.NOT_IN_RESOURCE_SHARE,
        message=f"{what}, so license configuration {facts.arn} can't be associated with more of its resources. Those "
        "that are associated stay so and go on consuming.",
        remedy=f"The owner, account {facts.owner_account_id}, shares it with the account again: updateResourceShare "
        "with addPrincipals, or a new share.",
        rule="TR-8",
        account_id=account_id,
    )


def _taken_out(account_id: str, facts: ConfigurationFacts, past: PastReach) -> Refusal:
    return Refusal(
        code=ErrorCode.NOT_SHARED,
        message=f"License configuration {facts.arn} is not in resource share “{past.share_name}” any more, so it can't "
        "be associated with more resources of the account. Those that are associated stay so and go on consuming.",
        remedy=f"The owner, account {facts.owner_account_id}, puts it in again: updateResourceShare with "
        "addLicenseConfigurationIds.",
        rule="TR-8",
        account_id=account_id,
    )


def reasons(checks: Sequence[Check]) -> list[Refusal]:
    """The refusals among some checks."""
    return [check.refusal for check in checks if check.refusal is not None]
