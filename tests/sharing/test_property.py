"""Whatever happens in whatever order, what is kept of whom shares reach is what the facts say."""

import random
from dataclasses import dataclass, field

import pytest
from sqlalchemy import Connection, select

from app.kernel.errors import DomainError
from app.kernel.ids import node_id
from app.kernel.tables import table_of
from app.organizations import accounts, founding
from app.organizations.rules import FeatureSet
from app.organizations.service import membership
from app.sharing import invitations, shares
from app.sharing.models import ShareInvitationRow
from app.sharing.service import configuration_deleted
from tests.sharing.model import Model, Org, Shared
from tests.sharing.stage import Stage

MASTERS = ("111111111111", "222222222222")
OTHERS = ("333333333333", "444444444444", "555555555555", "666666666666")
EVERYONE = (*MASTERS, *OTHERS)
STEPS = 40


@dataclass
class Play:
    """A random sequence of acts on the service and, where they were not refused, on the model."""

    stage: Stage
    model: Model
    chance: random.Random
    roots: dict[str, str]
    units: dict[str, list[str]]
    configurations: dict[str, list[int]]
    trace: list[str] = field(default_factory=list)

    async def step(self) -> None:
        act = self.chance.choice([
            self.join, self.join, self.leave, self.link, self.unlink, self.access, self.access, self.move,
            self.create, self.create, self.create, self.add, self.remove, self.delete, self.answer, self.answer,
            self.delete_configuration,
        ])  # fmt: skip
        try:
            if await act():
                self.trace.append(act.__name__)
        except DomainError as error:
            self.trace.append(f"{act.__name__} refused: {error}")

    def _share(self) -> str | None:
        active = [key for key, share in self.model.shares.items() if share.active]
        return self.chance.choice(active) if active else None

    def _names(self, owner: str) -> set[str]:
        org = self.model.org(owner)
        inside = [] if org is None else [org.name, self.roots[org.master], *self.units[org.master]]
        return set(self.chance.sample([*EVERYONE, *inside], 2)) - {owner}

    async def join(self) -> bool:
        org, account = self.chance.choice(self.model.orgs), self.chance.choice(OTHERS)
        if self.model.org(account) is not None:
            return False
        await self.stage.join(account, org.master)
        self.model.join(account, org, self.roots[org.master])
        return True

    async def leave(self) -> bool:
        account = self.chance.choice(OTHERS)
        if self.model.org(account) is None:
            return False
        await self.stage.act(account, accounts.leave)
        self.model.leave(account)
        return True

    async def link(self) -> bool:
        org = self.chance.choice(self.model.orgs)
        await self.stage.link(org.master)
        self.model.link(org)
        return True

    async def unlink(self) -> bool:
        org = self.chance.choice(self.model.orgs)
        await self.stage.settings(org.master, link_organization=False)
        org.linked = False
        return True

    async def access(self) -> bool:
        org, enabled = self.chance.choice(self.model.orgs), self.chance.random() < 0.7
        await self.stage.access(enabled, org.master)
        org.access = enabled
        self.model.settle()
        return True

    async def move(self) -> bool:
        account = self.chance.choice(EVERYONE)
        org = self.model.org(account)
        if org is None:
            return False
        unit = self.chance.choice(self.units[org.master])
        await self.stage.act(
            org.master, accounts.move, account, node_id("ou", await self.stage.unit_key(unit, org.master))
        )
        org.units[account] = {unit, self.roots[org.master]}
        self.model.settle()
        return True

    async def create(self) -> bool:
        owner = self.chance.choice(EVERYONE)
        names, items = self._names(owner), set(self.chance.sample(self.configurations[owner], 1))
        external = self.chance.random() < 0.6
        key = await self.stage.share(owner, sorted(items), sorted(names), allow_external_principals=external)
        self.model.shares[key] = Shared(owner, external, names, items)
        self.model.invite(key, names & set(EVERYONE))
        self.model.settle()
        return True

    async def add(self) -> bool:
        key = self._share()
        if key is None:
            return False
        share = self.model.shares[key]
        names, item = self._names(share.owner), self.chance.choice(self.configurations[share.owner])
        await self.stage.change(
            share.owner, key, add_principals=sorted(names), add_configuration_ids=[node_id("lc", item)]
        )
        share.principals |= names
        share.items.add(item)
        self.model.invite(key, names & set(EVERYONE))
        self.model.settle()
        return True

    async def remove(self) -> bool:
        key = self._share()
        if key is None or not self.model.shares[key].principals:
            return False
        share = self.model.shares[key]
        name = self.chance.choice(sorted(share.principals))
        items = set(self.chance.sample(sorted(share.items), min(1, len(share.items))))
        await self.stage.change(
            share.owner,
            key,
            remove_principals=[name],
            remove_configuration_ids=[node_id("lc", item) for item in items],
        )
        self.model.drop(key, {name})
        share.items -= items
        return True

    async def delete(self) -> bool:
        key = self._share()
        if key is None:
            return False
        await self.stage.act(self.model.shares[key].owner, shares.delete, key)
        self.model.shares[key].active = False
        self.model.pending = {pair for pair in self.model.pending if pair[0] != key}
        return True

    async def answer(self) -> bool:
        if not self.model.pending:
            return False
        key, account = self.chance.choice(sorted(self.model.pending))
        invitation = await self.stage.read(_invitation, int(key.removeprefix("share_")), account)
        if self.chance.random() < 0.8:
            await self.stage.act(account, invitations.accept, invitation)
            self.model.accept(key, account)
        else:
            await self.stage.act(account, invitations.reject, invitation)
            self.model.pending.discard((key, account))
        return True

    async def delete_configuration(self) -> bool:
        owner = self.chance.choice(EVERYONE)
        item = self.chance.choice(self.configurations[owner])
        await self.stage.write(lambda tx: configuration_deleted(tx, item))
        for share in self.model.shares.values():
            share.items.discard(item)
        return True


def _invitation(connection: Connection, share_key: int, account_id: str) -> str:
    rows = table_of(ShareInvitationRow)
    own = select(rows.c.id).where(rows.c.share_id == share_key, rows.c.account_id == account_id)
    return node_id("sinv", connection.execute(own).scalar_one())


async def _play(stage: Stage, seed: int) -> Play:
    """Two organizations with two units each, one linked and of three accounts; two accounts in none."""
    await stage.exist(*EVERYONE)
    orgs, roots, units = [], {}, {}
    for master in MASTERS:
        await stage.act(master, founding.create_organization, FeatureSet.ALL)
        place = await stage.read(membership, master)
        assert place is not None
        roots[master] = place.unit_ids[-1]
        units[master] = [await stage.unit(name, master=master) for name in ("one", "two")]
        orgs.append(Org(master, place.organization_id, {master: {roots[master]}}))
    configurations = {
        account: [await stage.configuration(account, name) for name in ("first", "second")] for account in EVERYONE
    }
    play = Play(stage, Model(orgs), random.Random(seed), roots, units, configurations)
    for org in orgs:
        await stage.access(True, org.master)
        org.access = True
    await stage.link(MASTERS[0])
    play.model.link(orgs[0])
    for account in OTHERS[:2]:
        await stage.join(account, MASTERS[0])
        play.model.join(account, orgs[0], roots[MASTERS[0]])
    item = configurations[MASTERS[0]][0]
    key = await stage.share(MASTERS[0], [item], [orgs[0].name])
    play.model.shares[key] = Shared(MASTERS[0], False, {orgs[0].name}, {item})
    return play


@pytest.mark.parametrize("seed", range(6))
async def test_what_is_kept_is_what_the_facts_say(stage: Stage, seed: int) -> None:
    """SH-2, SH-5, OR-3, OR-4, LC-11: after every act, for every account."""
    play = await _play(stage, seed)
    assert await stage.shared(OTHERS[0]) == play.model.seen(OTHERS[0]) != set()
    for _ in range(STEPS):
        await play.step()
        for account in EVERYONE:
            assert await stage.shared(account) == play.model.seen(account), (account, play.trace)
