"""PM-2: an account sees its own resources and those it was given, and of others nothing, not even that they are."""

from collections.abc import Sequence
from typing import Any

from app.compute.resources import image_visible_to, load, visible
from tests.support import licenses as made
from tests.support.api import Api, Client

OWNER, SHAREE, OUTSIDER, MASTER = "111122223333", "444455556666", "777788889999", "123412341234"
NODES = """query($ids: [ID!]!) { nodes(ids: $ids) {
  __typename id
  ... on LicensableResource {
    resourceId resourceType account { accountId } region { name } licenseConfigurations { id }
  }
  ... on Instance { image { id } host { id } launchTemplate { id } }
  ... on DedicatedHost { instances { id } }
} }"""
TEMPLATE = """mutation($input: CreateLaunchTemplateInput!) {
  createLaunchTemplate(input: $input) { launchTemplate { id } errors { code message } } }"""
REPORT = """mutation($input: PutInventoryInput!) {
  putInventory(input: $input) { managedInstance { id } errors { code message } } }"""
SHARE = """mutation($input: CreateResourceShareInput!) {
  createResourceShare(input: $input) { resourceShare { id } errors { code message } } }"""


async def seen(client: Client, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Those of some resources that a client sees, by id."""
    found = await client.field(NODES, ids=list(ids))
    return {node["id"]: node for node in found if node is not None}


async def one_of_each(client: Client) -> dict[str, str]:
    """A resource of each kind, by the name of its type; the instance runs on the host by the template."""
    image_id, host_id = await made.image(client), await made.host(client)
    wanted = {"region": made.REGION, "name": "web", "imageId": image_id}
    template_id = (await client.done(TEMPLATE, input=wanted))["launchTemplate"]["id"]
    (instance_id,) = await made.launched(
        client, image_id, launchTemplateId=template_id, tenancy="DEDICATED_HOST", hostId=host_id
    )
    reported = await client.done(REPORT, input={"region": made.REGION, "resourceId": "mi-0abc", "cores": 4})
    return {
        "MachineImage": image_id,
        "LaunchTemplate": template_id,
        "DedicatedHost": host_id,
        "Instance": instance_id,
        "ManagedInstance": reported["managedInstance"]["id"],
    }


async def organization(api: Api, *members: str) -> Client:
    """An organization of some accounts, linked, with discovery on and the catalog upgraded; its master."""
    master = await api.account(MASTER)
    await master.done("mutation { createOrganization(input: {}) { errors { message } } }")
    for account_id in members:
        member = await api.account(account_id)
        payload = await master.done(
            "mutation($id: AccountId!) { inviteAccount(accountId: $id) { invitation { id } errors { message } } }",
            id=account_id,
        )
        accept = "mutation($id: ID!) { acceptAccountInvitation(id: $id) { errors { message } } }"
        await member.done(accept, id=payload["invitation"]["id"])
    await master.done("mutation { enableServiceAccess { errors { message } } }")
    return master


async def linked(master: Client, **given: Any) -> None:
    """Change the settings of an organization's master."""
    document = (
        "mutation($input: UpdateServiceSettingsInput!) { updateServiceSettings(input: $input) { errors { message } } }"
    )
    await master.done(document, input={"region": made.REGION, **given})


async def upgraded(master: Client, region: str = made.REGION) -> None:
    """Upgrade the data catalog."""
    await master.done(
        "mutation($region: RegionCode!) { upgradeDataCatalog(region: $region) { errors { message } } }", region=region
    )


async def test_each_kind_is_found_by_its_id_as_its_own_type(api: Api) -> None:
    owner = await api.account(OWNER)
    mine = await one_of_each(owner)
    found = await seen(owner, list(mine.values()))
    assert {node["__typename"]: key for key, node in found.items()} == mine
    assert {node["account"]["accountId"] for node in found.values()} == {OWNER}
    assert {node["region"]["name"] for node in found.values()} == {"US East (N. Virginia)"}
    instance = found[mine["Instance"]]
    assert instance["image"] == {"id": mine["MachineImage"]}
    assert instance["host"] == {"id": mine["DedicatedHost"]}
    assert instance["launchTemplate"] == {"id": mine["LaunchTemplate"]}
    assert found[mine["DedicatedHost"]]["instances"] == [{"id": mine["Instance"]}]


async def test_pm_2_a_foreign_resource_answers_as_an_absent_one(api: Api) -> None:
    owner, outsider = await api.account(OWNER), await api.account(OUTSIDER)
    theirs = await one_of_each(owner)
    assert await seen(outsider, [*theirs.values(), "res_1", "res_x", "lc_1"]) == {}
    image_id = theirs["MachineImage"]
    for key in (image_id, "res_1"):
        payload = await made.launch(outsider, key)
        (error,) = payload["errors"]
        assert (error["code"], error["message"], error["nodeIds"]) == ("NOT_FOUND", "The image was not found.", [])


async def test_pm_2_the_owner_of_a_configuration_sees_what_its_sharees_put_under_it(api: Api) -> None:
    """It sees the resource itself; not what the resource refers to, nor the sharee's own configurations on it."""
    await organization(api, OWNER, SHAREE)
    owner, sharee, master = [await api.client(each) for each in (OWNER, SHAREE, MASTER)]
    await linked(master, linkOrganization=True)
    configuration_id = await made.configuration(owner)
    await owner.done(
        SHARE,
        input={
            "region": made.REGION,
            "name": "s",
            "licenseConfigurationIds": [configuration_id],
            "principals": [SHAREE],
        },
    )
    theirs = await one_of_each(sharee)
    own_id = await made.configuration(sharee, "own")
    await made.associate(sharee, own_id, theirs["Instance"])
    assert await seen(owner, list(theirs.values())) == {}
    await made.associate(sharee, configuration_id, theirs["Instance"], theirs["ManagedInstance"])
    found = await seen(owner, list(theirs.values()))
    assert set(found) == {theirs["Instance"], theirs["ManagedInstance"]}
    instance = found[theirs["Instance"]]
    assert instance["licenseConfigurations"] == [{"id": configuration_id}]
    assert (instance["image"], instance["host"], instance["launchTemplate"]) == (None, None, None)
    disassociate = {"licenseConfigurationId": configuration_id, "resourceIds": [theirs["Instance"]]}
    await sharee.done(made.DISASSOCIATE, input=disassociate)
    assert set(await seen(owner, list(theirs.values()))) == {theirs["ManagedInstance"]}


async def test_pm_2_what_a_sharee_puts_on_a_third_accounts_image_shows_the_owner_no_image(api: Api) -> None:
    """EN-8: the image was shared with the sharee, not with the owner of the configuration."""
    await organization(api, OWNER, SHAREE)
    owner, sharee, master = [await api.client(each) for each in (OWNER, SHAREE, MASTER)]
    third = await api.account(OUTSIDER)
    await linked(master, linkOrganization=True)
    configuration_id, image_id = await made.configuration(owner), await made.image(third)
    wanted = {"region": made.REGION, "name": "s", "licenseConfigurationIds": [configuration_id]}
    await owner.done(SHARE, input={**wanted, "principals": [SHAREE]})
    document = "mutation($id: ID!, $to: [AccountId!]!) { shareImage(id: $id, accountIds: $to) { errors { code } } }"
    await third.done(document, id=image_id, to=[SHAREE])
    await made.associate(sharee, configuration_id, image_id)
    assert (await seen(sharee, [image_id]))[image_id]["licenseConfigurations"] == [{"id": configuration_id}]
    assert (await seen(third, [image_id]))[image_id]["licenseConfigurations"] == []
    assert await seen(owner, [image_id]) == {}


async def test_in_2_the_master_sees_its_members_resources_once_discovery_reaches_them(api: Api) -> None:
    """Linked, discovery on, the catalog upgraded, and both roles there; a member never sees its master's."""
    master = await organization(api, OWNER)
    owner, outsider = await api.client(OWNER), await api.account(OUTSIDER)
    theirs, mine = await one_of_each(owner), await one_of_each(master)
    assert await seen(master, list(theirs.values())) == {}
    await linked(master, linkOrganization=True)
    await linked(master, enableCrossAccountDiscovery=True)
    assert await seen(master, list(theirs.values())) == {}
    await upgraded(master)
    assert set(await seen(master, list(theirs.values()))) == set(theirs.values())
    assert await seen(owner, list(mine.values())) == {}
    assert await seen(outsider, [*mine.values(), *theirs.values()]) == {}


async def test_or_3_and_tr_2_the_master_loses_sight_with_access_or_the_members_role(api: Api) -> None:
    master = await organization(api, OWNER, SHAREE)
    owner, sharee = await api.client(OWNER), await api.client(SHAREE)
    theirs = {await made.image(owner), await made.image(sharee)}
    await linked(master, linkOrganization=True)
    await linked(master, enableCrossAccountDiscovery=True)
    await upgraded(master)
    assert set(await seen(master, sorted(theirs))) == theirs
    await _delete_member_role(owner)
    assert len(await seen(master, sorted(theirs))) == 1
    await master.done("mutation { disableServiceAccess { errors { message } } }")
    assert await seen(master, sorted(theirs)) == {}


async def test_tr_2_a_members_images_are_out_of_reach_until_its_role_is_there_again(api: Api) -> None:
    """Those that the master saw through that role alone; what was shared with it stays its own to take off (EN-8)."""
    master = await organization(api, OWNER)
    owner = await api.client(OWNER)
    await linked(master, linkOrganization=True)
    await linked(master, enableCrossAccountDiscovery=True)
    await upgraded(master)
    kept, shared = await made.image(owner), await made.image(owner, name="shared")
    share = "mutation($id: ID!, $to: [AccountId!]!) { shareImage(id: $id, accountIds: $to) { errors { code } } }"
    await owner.done(share, id=shared, to=[MASTER])
    licenses = await made.configuration(master)
    await made.associate(master, licenses, kept, shared)
    await _delete_member_role(owner)
    wanted = {"licenseConfigurationId": licenses, "resourceIds": [kept, shared]}
    answer = await master.field(made.DISASSOCIATE, input=wanted)
    assert answer["disassociatedIds"] == [shared]
    (error,) = answer["errors"]
    assert (error["code"], error["rule"], error["nodeIds"]) == ("ROLE_MISSING", "TR-2", [kept])
    service = "license-manager.member-account.amazonaws.com"
    create = (
        "mutation($input: CreateServiceLinkedRoleInput!) { createServiceLinkedRole(input: $input) { errors { code } } }"
    )
    await owner.done(create, input={"serviceName": service})
    assert (await master.done(made.DISASSOCIATE, input={**wanted, "resourceIds": [kept]}))["disassociatedIds"] == [kept]


async def test_or_4_a_removed_members_image_is_let_go_by_who_put_a_license_on_it(api: Api) -> None:
    """Nobody's consent is left to ask for, and the license configuration would never be rid of it."""
    master = await organization(api, OWNER)
    owner = await api.client(OWNER)
    await linked(master, linkOrganization=True)
    await linked(master, enableCrossAccountDiscovery=True)
    await upgraded(master)
    image_id, licenses = await made.image(owner), await made.configuration(master)
    await made.associate(master, licenses, image_id)
    await master.done("mutation($id: AccountId!) { removeAccount(accountId: $id) { errors { code } } }", id=OWNER)
    wanted = {"licenseConfigurationId": licenses, "resourceIds": [image_id]}
    assert (await master.done(made.DISASSOCIATE, input=wanted))["disassociatedIds"] == [image_id]


async def _delete_member_role(member: Client) -> None:
    roles = await member.field(
        "query($id: AccountId!) { account(accountId: $id) { serviceLinkedRoles { id kind } } }", id=member.account_id
    )
    (role_id,) = [each["id"] for each in roles["serviceLinkedRoles"] if each["kind"] == "MEMBER_ACCOUNT"]
    delete = "mutation($id: ID!) { deleteServiceLinkedRole(id: $id) { deletedId errors { code message } } }"
    await member.done(delete, id=role_id)


async def test_rg_2_the_master_does_not_see_into_regions_without_support(api: Api) -> None:
    master = await organization(api, OWNER)
    owner = await api.client(OWNER)
    here, elsewhere = await made.image(owner), await made.image(owner, region="us-west-1")
    await linked(master, linkOrganization=True)
    await linked(master, enableCrossAccountDiscovery=True)
    await upgraded(master)
    await upgraded(master, "us-west-1")
    assert set(await seen(master, [here, elsewhere])) == {here}


async def test_other_slices_read_what_an_account_sees_in_one_call(api: Api) -> None:
    owner, sharee = await api.account(OWNER), await api.account(SHAREE)
    image_id, hidden_id = await made.image(owner), await made.image(owner, name="hidden")
    document = "mutation($id: ID!, $to: [AccountId!]!) { shareImage(id: $id, accountIds: $to) { errors { code } } }"
    await owner.done(document, id=image_id, to=[SHAREE])
    own_id = await made.host(sharee)
    image, hidden, own = [int(each.removeprefix("res_")) for each in (image_id, hidden_id, own_id)]
    everything = [image, hidden, own, 1]
    assert set(await api.database.read(lambda c: visible(c, SHAREE, everything))) == {image, own}
    assert set(await api.database.read(lambda c: visible(c, OUTSIDER, everything))) == set()
    pairs = {(key, account) for key in everything for account in (OWNER, SHAREE, OUTSIDER)}
    may = await api.database.read(lambda c: image_visible_to(c, pairs))
    assert may == {(image, OWNER), (image, SHAREE), (hidden, OWNER)}


async def test_what_is_gone_is_loaded_only_where_asked_for(api: Api) -> None:
    owner = await api.account(OWNER)
    image_id = await made.image(owner)
    key = int(image_id.removeprefix("res_"))
    await owner.done("mutation($id: ID!) { deregisterImage(id: $id) { errors { code } } }", id=image_id)
    assert await api.database.read(lambda c: load(c, [key])) == {}
    assert await api.database.read(lambda c: visible(c, OWNER, [key])) == {}
    assert await api.database.read(lambda c: image_visible_to(c, {(key, OWNER)})) == set()
    gone = await api.database.read(lambda c: load(c, [key, key, 1], gone=True))
    assert gone[key].gone_at is not None
