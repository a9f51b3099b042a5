"""A world of accounts asked over GraphQL: the schema of organizations, roles and identity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
import strawberry
from graphql import OperationType
from strawberry.schema.config import StrawberryConfig

from app.api.answer import Answer, encode
from app.api.engine import Engine
from app.api.envelope import GraphQLRequest
from app.api.nodes import NodesQuery
from app.api.operations import RootField
from app.identity.rules import principal_arn
from app.identity.schema import IdentityMutation, IdentityQuery
from app.kernel.context import Context, Origin
from app.kernel.database import Database, Transaction
from app.kernel.database.transaction import Concern
from app.kernel.errors import Refusal as DomainRefusal
from app.kernel.graphql.errors import LicenseLimitExceeded, LicenseRuleViolated, Refusal
from app.kernel.graphql.regions import RegionsQuery
from app.kernel.graphql.scalars import SCALARS
from app.kernel.viewer import Permission, Viewer
from app.organizations.accounts import create_standalone
from app.organizations.mutations import OrganizationsMutation
from app.organizations.queries import OrganizationsQuery
from app.roles.schema import RolesMutation

MASTER, MEMBER, OUTSIDER = "111122223333", "444455556666", "777788889999"


@strawberry.type
class Query(NodesQuery, IdentityQuery, RegionsQuery, OrganizationsQuery):
    pass


@strawberry.type
class Mutation(OrganizationsMutation, RolesMutation, IdentityMutation):
    pass


SCHEMA = strawberry.Schema(
    Query,
    Mutation,
    types=[Refusal, LicenseLimitExceeded, LicenseRuleViolated],
    config=StrawberryConfig(scalar_map=SCALARS),
)
ENGINE = Engine(SCHEMA)
ERRORS = "errors { code message remedy rule field accountId nodeIds }"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One action as its recorder was told of it."""

    action: str
    account_id: str
    parameters: dict[str, Any]
    refused: tuple[str, ...]
    concerns: tuple[Concern, ...]


@dataclass(slots=True)
class Notebook:
    """A recorder that remembers."""

    records: list[Recorded] = field(default_factory=list)

    def record(
        self,
        tx: Transaction,
        context: Context,
        action: str,
        parameters: dict[str, Any],
        refusals: Sequence[DomainRefusal],
        *,
        read_only: bool,
    ) -> None:
        codes = tuple(refusal.code.value for refusal in refusals)
        recorded = Recorded(action, context.viewer.account_id, parameters, codes, tuple(tx.concerns))
        self.records.append(recorded)


@dataclass(frozen=True, slots=True)
class Asking(Context):
    """An operation's context without transport."""

    async def finished(self, operation_type: OperationType, root_fields: list[RootField]) -> None:
        return

    @property
    def caller(self) -> str:
        return self.viewer.account_id

    async def revalidate(self) -> None:
        return


def viewer_of(account_id: str, permission: Permission = Permission.ADMINISTRATOR) -> Viewer:
    """A caller of an account."""
    return Viewer(account_id, principal_arn(account_id, "ada"), permission, "ada", "token_1")


@dataclass(slots=True)
class World:
    """What a test does and asks, by account."""

    database: Database
    notebook: Notebook = field(default_factory=Notebook)

    async def exists(self, *account_ids: str) -> None:
        """Make the service know accounts."""
        for account_id in account_ids:
            await self.database.write(partial(_create, account_id))

    async def answer(
        self,
        account_id: str,
        document: str,
        variables: Mapping[str, Any] | None = None,
        permission: Permission = Permission.ADMINISTRATOR,
    ) -> dict[str, Any]:
        """The whole answer to a document, as JSON."""
        context = Asking(
            self.database, viewer_of(account_id, permission), Origin("r1", "192.0.2.1", None), self.notebook
        )
        prepared = ENGINE.prepare(GraphQLRequest(document, None, dict(variables or {})))
        return _parsed(await ENGINE.execute(prepared, context))

    async def ask(self, account_id: str, document: str, **variables: Any) -> dict[str, Any]:
        """The data of a document that has no top-level errors."""
        answer = await self.answer(account_id, document, variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    async def do(self, account_id: str, call: str, result: str = "") -> dict[str, Any]:
        """The payload of one mutation that was not refused."""
        payload = await self._payload(account_id, call, result)
        assert payload["errors"] == [], payload["errors"]
        return payload

    async def refused(self, account_id: str, call: str) -> dict[str, Any]:
        """The one refusal of a mutation."""
        payload = await self._payload(account_id, call, "")
        (error,) = payload["errors"]
        refusal: dict[str, Any] = error
        return refusal

    async def _payload(self, account_id: str, call: str, result: str) -> dict[str, Any]:
        data = await self.ask(account_id, f"mutation {{ done: {call} {{ {result} {ERRORS} }} }}")
        payload: dict[str, Any] = data["done"]
        return payload

    async def organization(self, *members: str, master: str = MASTER) -> None:
        """An organization with members, all of which come to exist."""
        await self.exists(master, *members)
        await self.do(master, "createOrganization(input: {})")
        for member in members:
            await self.join(member, master)

    async def join(self, account_id: str, master: str = MASTER) -> None:
        """Invite an account and accept for it."""
        payload = await self.do(master, f'inviteAccount(accountId: "{account_id}")', "invitation { id }")
        await self.do(account_id, f'acceptAccountInvitation(id: "{payload["invitation"]["id"]}")')


def _create(account_id: str, tx: Transaction) -> None:
    create_standalone(tx, account_id, f"Account {account_id[:4]}", f"{account_id}@example.com")


def _parsed(answer: Answer) -> dict[str, Any]:
    parsed: dict[str, Any] = orjson.loads(encode(answer.payload))
    return parsed
