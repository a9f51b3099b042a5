"""Shares over the served API: sight, refusals as data, and an organization's licenses shared end to end."""

from typing import Any

import pytest

from app.kernel.viewer import Permission
from tests.support import licenses as made
from tests.support.api import Api, Client
from tests.support.statements import reads_of

MASTER, ANN, BOB, OUTSIDER = "111122223333", "222233334444", "333344445555", "999988887777"
REGION = made.REGION
SHARE = """
  id arn name status allowExternalPrincipals principals tags { key value } owner { accountId } region { code }
  licenseConfigurations { id }"""
SHARES = f"query($region: RegionCode) {{ resourceShares(region: $region) {{ {SHARE} }} }}"
INVITATIONS = f"{{ resourceShareInvitations {{ id accountId state createdAt resourceShare {{ {SHARE} }} }} }}"
ERRORS = "errors { code message remedy rule field accountId nodeIds }"
CREATE = f"""mutation($input: CreateResourceShareInput!) {{
  createResourceShare(input: $input) {{ resourceShare {{ {SHARE} }} {ERRORS} }}
}}"""
UPDATE = f"""mutation($input: UpdateResourceShareInput!) {{
  updateResourceShare(input: $input) {{ resourceShare {{ {SHARE} }} {ERRORS} }}
}}"""
DELETE = f"mutation($id: ID!) {{ deleteResourceShare(id: $id) {{ deletedId {ERRORS} }} }}"
ANSWERED = f"(id: $id) {{ invitation {{ id state }} {ERRORS} }} }}"
ACCEPT = "mutation($id: ID!) { acceptResourceShareInvitation" + ANSWERED
REJECT = "mutation($id: ID!) { rejectResourceShareInvitation" + ANSWERED
INVITE = "mutation($to: AccountId!) { inviteAccount(accountId: $to) { invitation { id } errors { code } } }"
JOIN = "mutation($id: ID!) { acceptAccountInvitation(id: $id) { errors { code } } }"
SETTINGS = f"mutation($input: UpdateServiceSettingsInput!) {{ updateServiceSettings(input: $input) {{ {ERRORS} }} }}"
NODE = "query($id: ID!) { node(id: $id) { id __typename } }"


async def organization(api: Api, *members: str, linked: bool = True) -> list[Client]:
    """A master and members, as clients; linked unless told otherwise."""
    clients = [await api.account(each) for each in (MASTER, *members)]
    master = clients[0]
    await master.done("mutation { createOrganization(input: {}) { errors { code } } }")
    for member in clients[1:]:
        payload = await master.done(INVITE, to=member.account_id)
        await member.done(JOIN, id=payload["invitation"]["id"])
    await master.done("mutation { enableServiceAccess { errors { code } } }")
    if linked:
        await master.done(SETTINGS, input={"region": REGION, "linkOrganization": True})
    return clients


async def share(owner: Client, configuration: str, *principals: str, **given: Any) -> dict[str, Any]:
    """A new share, as its owner sees it."""
    wanted = {
        "region": REGION, "name": "ours", "licenseConfigurationIds": [configuration], "principals": principals, **given,
    }  # fmt: skip
    payload = await owner.done(CREATE, input=wanted)
    found: dict[str, Any] = payload["resourceShare"]
    return found


async def test_a_share_as_its_owner_sees_it(api: Api) -> None:
    """SH-1: with all of its principals and tags; in its own Region's list."""
    master, ann = await organization(api, ANN)
    licenses = await made.configuration(master)
    found = await share(master, licenses, ann.account_id, tags=[{"key": "team", "value": "a"}])
    assert found["arn"].startswith(f"arn:aws:ram:{REGION}:{MASTER}:resource-share/")
    assert {key: found[key] for key in ("name", "status", "principals", "tags", "licenseConfigurations")} == {
        "name": "ours",
        "status": "ACTIVE",
        "principals": [ANN],
        "tags": [{"key": "team", "value": "a"}],
        "licenseConfigurations": [{"id": licenses}],
    }
    assert found in await master.field(SHARES, region=REGION)
    assert await master.field(SHARES, region="eu-west-1") == []


async def test_a_sharee_sees_what_concerns_it(api: Api) -> None:
    """PM-2, SH-3: its own principals, no tags; the license configuration, shared; other accounts see nothing of it."""
    master, ann, bob = await organization(api, ANN, BOB)
    licenses = await made.configuration(master)
    found = await share(master, licenses, ANN, MASTER.replace("1", "9"), allowExternalPrincipals=True)
    (seen,) = [each for each in await ann.field(SHARES, region=None) if each["id"] == found["id"]]
    assert (seen["principals"], seen["tags"], seen["licenseConfigurations"]) == ([ANN], [], [{"id": licenses}])
    asked = "query($id: ID!) { licenseConfiguration(id: $id) { shared resourceShares { id } } }"
    assert await ann.field(asked, id=licenses) == {"shared": True, "resourceShares": [{"id": found["id"]}]}
    assert await master.field(asked, id=licenses) == {"shared": False, "resourceShares": [{"id": found["id"]}]}
    assert await bob.field(asked, id=licenses) is None
    assert await bob.field(NODE, id=found["id"]) is None
    assert found["id"] not in [each["id"] for each in await bob.field(SHARES, region=None)]


async def test_an_invited_account_sees_the_offer_and_nothing_in_it(api: Api) -> None:
    """SH-2, PM-2: until it accepts; the owner sees the invitation too, others do not."""
    owner, outsider, other = [await api.account(each) for each in (MASTER, OUTSIDER, BOB)]
    licenses = await made.configuration(owner)
    found = await share(owner, licenses, OUTSIDER, allowExternalPrincipals=True)
    (offer,) = await outsider.field(INVITATIONS)
    assert (offer["accountId"], offer["state"]) == (OUTSIDER, "PENDING")
    assert (offer["resourceShare"]["id"], offer["resourceShare"]["licenseConfigurations"]) == (found["id"], [])
    assert await outsider.field(NODE, id=found["id"]) is None
    assert [each["id"] for each in await owner.field(INVITATIONS)] == [offer["id"]]
    assert await other.field(INVITATIONS) == []
    assert await other.field(NODE, id=offer["id"]) is None
    payload = await outsider.done(ACCEPT, id=offer["id"])
    assert payload["invitation"] == {"id": offer["id"], "state": "ACCEPTED"}
    (seen,) = await outsider.field(SHARES, region=None)
    assert seen["licenseConfigurations"] == [{"id": licenses}]
    (refusal,) = await outsider.errors(REJECT, id=offer["id"])
    assert (refusal["code"], refusal["rule"], refusal["field"]) == ("CONFLICT", "SH-2", ["id"])


async def test_a_deleted_share_is_no_longer_listed(api: Api) -> None:
    """SH-5: its owner still finds it by its id."""
    master, ann = await organization(api, ANN)
    found = await share(master, await made.configuration(master), ANN)
    assert (await master.done(DELETE, id=found["id"]))["deletedId"] == found["id"]
    assert found["id"] not in [each["id"] for each in await master.field(SHARES, region=None)]
    deleted = await master.field(
        "query($id: ID!) { node(id: $id) { ... on ResourceShare { status } } }", id=found["id"]
    )
    assert deleted == {"status": "DELETED"}
    assert await ann.field(NODE, id=found["id"]) is None


async def test_what_a_sharee_uses_counts_against_the_owner_s_pool_until_it_lets_go(api: Api) -> None:
    """SH-3, SH-5, TR-8: after the share ended nothing new is associated, what is there goes on consuming."""
    master, ann = await organization(api, ANN)
    licenses = await made.configuration(master, licenseCount=2, hardLimit=True)
    found = await share(master, licenses, ANN)
    image = await made.image(ann)
    (first, second) = await made.launched(ann, image, count=2)
    await made.associate(ann, licenses, first)
    assert await made.consumed(master, licenses) == 1
    await master.done(UPDATE, input={"id": found["id"], "removePrincipals": [ANN]})
    wanted = {"licenseConfigurationId": licenses, "resourceIds": [second]}
    (refusal,) = await ann.errors(made.ASSOCIATE, input=wanted)
    assert (refusal["code"], refusal["rule"]) == ("NOT_IN_RESOURCE_SHARE", "TR-8")
    assert await made.consumed(master, licenses) == 1
    await ann.done(made.DISASSOCIATE, input={"licenseConfigurationId": licenses, "resourceIds": [first]})
    assert await made.consumed(master, licenses) == 0


async def test_a_member_s_deleted_role_stands_in_the_master_s_way(api: Api) -> None:
    """TR-2, RO-5: its resource goes on consuming; the role made again cures it."""
    master, ann = await organization(api, ANN)
    licenses = await made.configuration(master)
    await share(master, licenses, ANN)
    (instance,) = await made.launched(ann, await made.image(ann), licenseConfigurationIds=[licenses])
    roles = await ann.field(f'{{ account(accountId: "{ANN}") {{ serviceLinkedRoles {{ id kind }} }} }}')
    (role,) = [each["id"] for each in roles["serviceLinkedRoles"] if each["kind"] == "MEMBER_ACCOUNT"]
    await ann.done("mutation($id: ID!) { deleteServiceLinkedRole(id: $id) { errors { code } } }", id=role)
    wanted = {"licenseConfigurationId": licenses, "resourceIds": [instance]}
    (refusal,) = await master.errors(made.DISASSOCIATE, input=wanted)
    assert (refusal["code"], refusal["rule"]) == ("ROLE_MISSING", "TR-2")
    assert await made.consumed(master, licenses) == 1
    await ann.done(
        'mutation { createServiceLinkedRole(input: {serviceName: "license-manager.member-account.amazonaws.com"}) '
        "{ errors { code } } }"
    )
    await master.done(made.DISASSOCIATE, input=wanted)
    assert await made.consumed(master, licenses) == 0


@pytest.mark.parametrize("permission", [Permission.AUDITOR, Permission.USER])
async def test_only_administrators_share(api: Api, permission: Permission) -> None:
    """PM-1."""
    administrator = await api.account(MASTER)
    licenses = await made.configuration(administrator)
    caller = await api.client(MASTER, permission)
    calls: list[tuple[str, dict[str, Any]]] = [
        (CREATE, {"input": {"region": REGION, "name": "x", "licenseConfigurationIds": [licenses], "principals": []}}),
        (UPDATE, {"input": {"id": "share_1", "name": "x"}}),
        (DELETE, {"id": "share_1"}),
        (ACCEPT, {"id": "sinv_1"}),
        (REJECT, {"id": "sinv_1"}),
    ]
    for document, variables in calls:
        (refusal,) = await caller.errors(document, **variables)
        assert (refusal["code"], refusal["rule"]) == ("ACCESS_DENIED", "PM-1")


@pytest.mark.parametrize(
    "id", ["", "share", "share_", "share_-1", "share_99999999999999999999", "lc_1", "share_1 ", "分"]
)
async def test_an_id_that_names_nothing_is_an_absent_share(api: Api, id: str) -> None:
    """PM-2: however it is malformed."""
    owner = await api.account(MASTER)
    calls: list[tuple[str, dict[str, Any]]] = [(UPDATE, {"input": {"id": id, "name": "x"}}), (DELETE, {"id": id})]
    for document, variables in calls:
        (refusal,) = await owner.errors(document, **variables)
        assert (refusal["code"], refusal["message"]) == ("NOT_FOUND", "The resource share was not found.")


async def test_sharing_with_all_members_while_associating(api: Api) -> None:
    """IN-6: one step; every member sees it at once."""
    master, ann, bob = await organization(api, ANN, BOB)
    licenses = await made.configuration(master)
    image = await made.image(master)
    wanted = {"licenseConfigurationId": licenses, "resourceIds": [image], "shareWithMemberAccounts": True}
    await master.done(made.ASSOCIATE, input=wanted)
    for member in (ann, bob):
        assert await member.field(NODE, id=licenses) == {"id": licenses, "__typename": "LicenseConfiguration"}


async def test_both_accounts_have_the_share_in_their_trails(api: Api) -> None:
    """AU-4: an account that is named, and the owner."""
    master, ann = await organization(api, ANN)
    found = await share(master, await made.configuration(master), ANN)
    asked = (
        "query($filter: AuditEventFilter) { auditEvents(filter: $filter) { edges { node { eventName accountId } } } }"
    )
    for client in (master, ann):
        page = await client.field(asked, filter={"resourceArn": found["arn"], "eventName": "CreateResourceShare"})
        assert client.account_id in [edge["node"]["accountId"] for edge in page["edges"]]


async def test_many_shares_take_as_many_statements_as_one(api: Api) -> None:
    """What each shows of its principals is read once for the list."""
    master, _ = await organization(api, ANN)
    licenses = await made.configuration(master)
    counts = []
    for number in range(3):
        await share(master, licenses, ANN, name=f"share {number}")
        with reads_of("resource_share") as shares, reads_of("resource_share_principal") as principals:
            assert len(await master.field(SHARES, region=None)) == number + 2
        counts.append((len(shares), len(principals)))
    assert counts == [(1, 1)] * 3
