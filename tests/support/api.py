"""A client of the served application: GraphQL by HTTP, as one account with one permission."""

from dataclasses import dataclass
from typing import Any

import httpx2

from app.identity.service import create_token
from app.kernel.database import Database, Transaction
from app.kernel.viewer import Permission
from app.organizations.accounts import create_standalone


class Failed(Exception):
    """The answer had top-level errors where none were expected."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(errors)
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Client:
    """Calls as one account. `await client(document, name=value)` is the data; top-level errors are raised."""

    http: httpx2.AsyncClient
    account_id: str
    token: str

    async def __call__(self, document: str, **variables: Any) -> dict[str, Any]:
        answer = await self.raw(document, variables)
        if answer.get("errors"):
            raise Failed(answer["errors"])
        data: dict[str, Any] = answer["data"]
        return data

    async def raw(self, document: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The whole answer, errors and extensions included."""
        response = await self.http.post(
            "/graphql",
            json={"query": document, "variables": variables or {}},
            headers={"Authorization": f"Bearer {self.token}"},
        )
        answer: dict[str, Any] = response.json()
        return answer

    async def field(self, document: str, **variables: Any) -> Any:
        """The data of the document's one root field."""
        data = await self(document, **variables)
        (value,) = data.values()
        return value

    async def errors(self, document: str, **variables: Any) -> list[dict[str, Any]]:
        """The refusals in the payload of the document's one mutation."""
        payload = await self.field(document, **variables)
        found: list[dict[str, Any]] = payload["errors"]
        return found

    async def done(self, document: str, **variables: Any) -> Any:
        """The payload of a mutation that must not be refused."""
        payload = await self.field(document, **variables)
        assert payload["errors"] == [], payload["errors"]
        return payload


@dataclass(frozen=True, slots=True)
class Api:
    """The served application, and clients of it."""

    http: httpx2.AsyncClient
    database: Database

    async def account(
        self, account_id: str, permission: Permission = Permission.ADMINISTRATOR, *, core_role: bool = True
    ) -> Client:
        """A client of a new account, or of one that exists; with its first-run grant unless told otherwise (RO-2)."""
        created = await self.database.write(lambda tx: _account(tx, account_id))
        client = await self.client(account_id, permission)
        if created and core_role:
            administrator = await self.client(account_id)
            await administrator.done(
                'mutation { createServiceLinkedRole(input: {serviceName: "license-manager.amazonaws.com"}) '
                "{ errors { code message } } }"
            )
        return client

    async def client(self, account_id: str, permission: Permission = Permission.ADMINISTRATOR) -> Client:
        """A client of an account that exists, by a new token."""
        made = await self.database.write(lambda tx: create_token(tx, account_id, permission, permission.value.lower()))
        return Client(self.http, account_id, made.secret)


def _account(tx: Transaction, account_id: str) -> bool:
    from app.organizations.service import account_exists

    if account_exists(tx.connection, account_id):
        return False
    create_standalone(tx, account_id, f"Account {account_id}")
    return True
