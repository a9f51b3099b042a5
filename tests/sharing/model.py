"""Who sees what through shares, worked out anew from plain facts: what the service's kept answer is held against."""

from dataclasses import dataclass, field


@dataclass
class Org:
    """An organization: its master, its accounts with the units that each is in, the marks."""

    master: str
    name: str
    units: dict[str, set[str]] = field(default_factory=dict)
    access: bool = False
    linked: bool = False


@dataclass
class Shared:
    """A share."""

    owner: str
    external: bool
    principals: set[str] = field(default_factory=set)
    items: set[int] = field(default_factory=set)
    active: bool = True


@dataclass
class Model:
    """The facts, changed as the rules say (SH-2, OR-3, OR-4, ST-3)."""

    orgs: list[Org]
    shares: dict[str, Shared] = field(default_factory=dict)
    pending: set[tuple[str, str]] = field(default_factory=set)
    accepted: set[tuple[str, str]] = field(default_factory=set)
    roles: set[str] = field(default_factory=set)

    def org(self, account: str) -> Org | None:
        return next((org for org in self.orgs if account in org.units), None)

    def together(self, one: str, other: str) -> Org | None:
        org = self.org(one)
        return org if org is not None and other in org.units else None

    def by_link(self, share: Shared, account: str) -> bool:
        org = self.together(share.owner, account)
        if org is None or not org.access or not org.linked or not share.active:
            return False
        return bool(share.principals & {account, org.name, *org.units[account]})

    def by_invitation(self, key: str, share: Shared, account: str) -> bool:
        if not share.active or account not in share.principals or (key, account) not in self.accepted:
            return False
        org = self.together(share.owner, account)
        return share.external if org is None else org.access

    def seen(self, account: str) -> set[int]:
        return {
            item
            for key, share in self.shares.items()
            if share.owner != account and (self.by_link(share, account) or self.by_invitation(key, share, account))
            for item in share.items
        }

    # -------------------------------------------------------- what happens

    def settle(self) -> None:
        """Open invitations to what is in force by the link say nothing any more."""
        self.pending = {(key, account) for key, account in self.pending if not self.by_link(self.shares[key], account)}

    def invite(self, key: str, accounts: set[str]) -> None:
        share = self.shares[key]
        for account in accounts:
            org = self.together(share.owner, account)
            if (org is None or not org.linked) and (key, account) not in self.accepted:
                self.pending.add((key, account))
        self.accept_for(accounts)

    def accept_for(self, accounts: set[str]) -> None:
        """The member role accepts where its account is a member (SH-2)."""
        for key, account in sorted(self.pending):
            org = self.org(account)
            if account not in accounts or account not in self.roles or org is None or org.master == account:
                continue
            beside = self.together(self.shares[key].owner, account)
            if beside is None or beside.access:
                self.accept(key, account)

    def accept(self, key: str, account: str) -> None:
        self.pending.discard((key, account))
        self.accepted.add((key, account))

    def give_roles(self, accounts: set[str]) -> None:
        fresh = accounts - self.roles
        self.roles |= fresh
        self.accept_for(fresh)

    def join(self, account: str, org: Org, root: str) -> None:
        org.units[account] = {root}
        self.settle()
        if org.linked:
            self.give_roles({account})

    def leave(self, account: str) -> None:
        org = self.org(account)
        assert org is not None
        del org.units[account]
        ended = {
            (key, invited)
            for key, invited in self.pending | self.accepted
            if (invited == account and self.shares[key].owner in org.units)
            or (self.shares[key].owner == account and invited in org.units)
        }
        self.pending -= ended
        self.accepted -= ended

    def link(self, org: Org) -> None:
        org.linked = True
        self.settle()
        self.give_roles(set(org.units) - {org.master})

    def drop(self, key: str, names: set[str]) -> None:
        self.shares[key].principals -= names
        ended = {(key, name) for name in names}
        self.pending -= ended
        self.accepted -= ended
