"""The served application as AWS's tools see it, every answer held against botocore's output shapes."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import boto3
import httpx2
import pytest
import uvicorn
from botocore.config import Config
from botocore.exceptions import ClientError
from pydantic import SecretStr

from app.identity import access_keys
from app.identity.access_keys import NewAccessKey
from app.kernel.database import Database
from app.kernel.sealing import Sealer
from app.kernel.viewer import Permission
from app.main import build
from app.settings import Settings
from tests.support.api import Api, Client

T = TypeVar("T")
REGION = "us-east-1"
ACCOUNT = "111122223333"
OTHER = "444455556666"


def conforms(shape: Any, value: Any, path: str = "") -> None:
    """Fail where a JSON value is not of a shape: types, enumerations, required members, and none but the known."""
    if shape.type_name == "structure":
        assert isinstance(value, dict), path
        assert set(value) <= set(shape.members), (path, set(value) - set(shape.members))
        assert set(shape.required_members) <= set(value), path
        for name, each in value.items():
            conforms(shape.members[name], each, f"{path}.{name}")
    elif shape.type_name == "list":
        assert isinstance(value, list), path
        for each in value:
            conforms(shape.member, each, f"{path}[]")
    elif shape.type_name == "boolean":
        assert isinstance(value, bool), path
    elif shape.type_name in ("integer", "long"):
        assert type(value) is int, path
    elif shape.type_name == "timestamp":
        assert type(value) in (int, float), path
        assert 1e9 < value < 1e10, path
    else:
        assert shape.type_name == "string", path
        assert isinstance(value, str), path
        assert not shape.metadata.get("enum") or value in shape.metadata["enum"], (path, value)


def _validate(http_response: Any, model: Any, **_: Any) -> None:
    body = json.loads(http_response.content)
    if http_response.status_code == 200:
        conforms(model.output_shape, body) if model.output_shape is not None else None
        return
    assert http_response.status_code == 400, body
    assert isinstance(body["__type"], str)
    assert body["Message"]
    assert http_response.headers["x-amzn-requestid"]


class Aws:
    """A boto3 client off the event loop. `await aws("get_license_configuration", ...)` is the answer."""

    def __init__(self, url: str, key: NewAccessKey, region: str) -> None:
        self.key = key
        self.region = region
        self.url = url
        self.client = boto3.client(
            "license-manager",
            endpoint_url=url,
            region_name=region,
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret,
            config=Config(retries={"total_max_attempts": 1}),
        )
        self.client.meta.events.register("after-call.license-manager.*", _validate)

    async def __call__(self, method: str, **given: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await asyncio.to_thread(getattr(self.client, method), **given)
        return answer

    async def pages(self, method: str, result: str, size: int, **given: Any) -> list[list[Any]]:
        """Every page of a paginated operation, by boto3's own paginator."""

        def walk() -> list[list[Any]]:
            paginator = self.client.get_paginator(method)
            return [page[result] for page in paginator.paginate(PaginationConfig={"PageSize": size}, **given)]

        return await asyncio.to_thread(walk)

    async def refused(self, method: str, **given: Any) -> tuple[str, str]:
        """The error's code and message of a call that must be refused."""
        with pytest.raises(ClientError) as caught:
            await self(method, **given)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    async def create(self, name: str = "licenses", metric: str = "Instance", **given: Any) -> str:
        """The ARN of a new license configuration."""
        answer = await self("create_license_configuration", Name=name, LicenseCountingType=metric, **given)
        arn: str = answer["LicenseConfigurationArn"]
        return arn


@dataclass
class Door:
    """Both doors of one served application."""

    url: str
    database: Database
    sealer: Sealer
    http: httpx2.AsyncClient
    opened: list[Aws] = field(default_factory=list)

    @property
    def graphql(self) -> Api:
        return Api(self.http, self.database)

    async def both(self, account_id: str = ACCOUNT, region: str = REGION, **given: Any) -> tuple[Aws, Client]:
        """An administrator at each door."""
        client = await self.graphql.account(account_id, **given)
        return await self.aws(account_id, region=region), client

    async def key(self, account_id: str, permission: Permission = Permission.ADMINISTRATOR) -> NewAccessKey:
        """A new access key of an account that exists."""
        return await self.database.write(
            lambda tx: access_keys.create(tx, self.sealer, account_id, permission, permission.value.lower())
        )

    async def aws(
        self, account_id: str, permission: Permission = Permission.ADMINISTRATOR, *, region: str = REGION
    ) -> Aws:
        """A boto3 client of an account that exists."""
        opened = Aws(self.url, await self.key(account_id, permission), region)
        self.opened.append(opened)
        return opened

    async def off_loop(self, work: Callable[[], T]) -> T:
        return await asyncio.to_thread(work)


@asynccontextmanager
async def serving(database_url: str, folder: Path, **given: Any) -> AsyncIterator[Door]:
    """The application on a free port of this machine, by the real clock: boto3 signs by it."""
    settings = Settings(database_url=SecretStr(database_url), data_directory=folder, _env_file=None, **given)
    built = build(settings)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(built.application, log_config=None, lifespan="on", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        assert not running.done()
        await asyncio.sleep(0.01)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with httpx2.AsyncClient(base_url=url) as http:
        door = Door(url, built.database, Sealer.of(settings), http)
        yield door
        for each in door.opened:
            each.client.close()
    server.should_exit = True
    await running
