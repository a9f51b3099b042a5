"""Whom a share can name: accounts, and the units and the organization of its owner (SH-1)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.kernel.errors import DomainError, invalid, not_found
from app.kernel.findings import Findings
from app.kernel.ids import parse_node_id
from app.organizations.rules import Membership, Unit, not_in_organization
from app.organizations.service import membership, units_of
from app.sharing.rules import is_account
from app.sharing.store import names_of


def canonical(
    connection: Connection,
    owner_account_id: str,
    place: Membership | None,
    texts: Sequence[str],
    *field: str,
    known: Collection[str] = (),
) -> list[str]:
    """The principals that some texts name, one for each: account ids, ou-… or r-… ids, an o-… id.

    Units and the organization may be given by their global ids as well. Texts that are `known` stand for themselves,
    also where they are no one's any more. Raises every text that names none.
    """
    naming = _Naming(owner_account_id, place, units_of(connection, place.organization_key) if place else {})
    findings = Findings()
    found = [
        text if text in known else findings.of(naming.canonical, text, *field, str(position))
        for position, text in enumerate(texts)
    ]
    findings.close()
    return [each for each in found if each is not None]


def shown(connection: Connection, owners: Mapping[int, str], viewer_account_id: str) -> dict[int, list[str]]:
    """The principals of shares, by key, as an account sees them: the owner all, others what stands for themselves.

    `owners` maps the keys of the shares to the accounts that own them.
    """
    place = membership(connection, viewer_account_id)
    own = place.principals if place else frozenset({viewer_account_id})
    named = names_of(connection, owners)
    return {
        key: sorted(name for name in named[key] if owner == viewer_account_id or name in own)
        for key, owner in owners.items()
    }


@dataclass(frozen=True, slots=True)
class _Naming:
    """What an owner can name."""

    owner_account_id: str
    place: Membership | None
    tree: Mapping[int, Unit]

    def canonical(self, text: str, *field: str) -> str:
        if len(text) == 12 and text.isascii() and is_account(text):
            if text == self.owner_account_id:
                raise invalid("The owner has its license configurations without a share.", *field, rule="SH-1")
            return text
        parsed = parse_node_id(text)
        prefix = f"{parsed.prefix}_" if parsed else text[: text.find("-") + 1]
        if prefix not in ("ou-", "r-", "o-", "ou_", "org_"):
            raise invalid(
                f"“{text[:40]}” is not a principal.",
                *field,
                remedy="Name an account by its twelve digits, a unit or the organization by its id.",
                rule="SH-1",
            )
        if self.place is None:
            raise DomainError(not_in_organization(self.owner_account_id).at(*field))
        key = parsed.key if parsed else None
        if prefix in ("o-", "org_"):
            return self._organization(self.place, text, key, field)
        return self._unit(text, key, field)

    def _organization(self, place: Membership, text: str, key: int | None, field: tuple[str, ...]) -> str:
        if text == place.organization_id or key == place.organization_key:
            return place.organization_id
        raise not_found("The organization", *field)

    def _unit(self, text: str, key: int | None, field: tuple[str, ...]) -> str:
        for unit in self.tree.values():
            if unit.unit_id == text or unit.key == key:
                return unit.unit_id
        raise not_found("The organizational unit", *field)
