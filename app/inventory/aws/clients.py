"""AWS, asked with the credentials that boto3 finds or with those of a role in another account, by allowed calls."""

import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.inventory.aws import permissions
from app.inventory.aws.refusals import answered, unanswered
from app.settings import Settings

SESSION = "tollgate"
CONNECT_SECONDS, READ_SECONDS = 10, 60
ATTEMPTS = 8
"""A call that is throttled, or fails on the way, is tried so often, ever later; botocore then also asks less often."""
PAGES = {
    permissions.INSTANCES: 1000,
    permissions.IMAGES: 1000,
    permissions.HOSTS: 500,
    permissions.TEMPLATES: 200,
    permissions.TEMPLATE_VERSIONS: 200,
    permissions.INVENTORY: 50,
    permissions.INFORMATION: 50,
}
"""Entries of a page, at most; AWS's own number where none is said."""


class NotAllowed(RuntimeError):
    """A call that no policy grants was about to be made."""


class Stopped(Exception):
    """The collector ends; no further call is made."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose credentials boto3 found, and in which partition of AWS: aws or aws-us-gov."""

    account_id: str
    partition: str

    @property
    def region(self) -> str:
        """Where services are asked that have no Region of their own."""
        return "us-gov-west-1" if self.partition == "aws-us-gov" else "us-east-1"


class Cloud:
    """AWS as one collector sees it. Clients are made one at a time, and used by one thread each."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._making = threading.Lock()
        self._session: Any = None
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let no further call be made."""
        self._stopped.set()

    def caller(self, region: str) -> Caller:
        """Who the credentials are of; raises CallRefused."""
        asked = Asker(self, None, region, None, {permissions.IDENTITY})
        (answer,) = asked.pages(permissions.IDENTITY)
        return Caller(answer["Account"], answer["Arn"].split(":")[1])

    def master(self, caller: Caller) -> "Asker":
        """The organization, asked by its master account's own credentials."""
        allowed = permissions.of_the_master(self._settings.aws_additional_actions)
        return Asker(self, caller.account_id, caller.region, None, allowed)

    def account(self, caller: Caller, account_id: str) -> "Account":
        """An account, asked as the caller itself or as the role in it."""
        return Account(self, caller, account_id, self._settings)

    def client(self, service: str, region: str, credentials: Mapping[str, str], allowed: Collection[str]) -> Any:
        """A client that can make the allowed calls and no other."""
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "adaptive", "total_max_attempts": ATTEMPTS},
            user_agent_extra="tollgate",
        )
        with self._making:
            # A session of its own, which knows the services' models from the first client on.
            self._session = self._session or boto3.Session()
            client = self._session.client(
                service,
                region_name=region,
                endpoint_url=self._settings.aws_endpoint_url,
                config=config,
                **credentials,
            )

        def check(model: Any, **_: Any) -> None:
            if self._stopped.is_set():
                raise Stopped
            action = f"{model.service_model.service_name}:{model.name}"
            if action not in allowed:
                raise NotAllowed(action)

        client.meta.events.register("provide-client-params", check)
        return client


class Asker:
    """One account's Region, asked with some credentials. Its clients are its own."""

    def __init__(
        self,
        cloud: Cloud,
        account_id: str | None,
        region: str,
        role: str | None,
        allowed: Collection[str],
        credentials: Mapping[str, str] | None = None,
    ) -> None:
        self._cloud, self._account_id, self._region, self._role = cloud, account_id, region, role
        self._credentials = credentials or {}
        self._clients: dict[str, Any] = {}
        self.allowed = allowed

    def pages(self, action: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        """What AWS answers to an action such as ec2:DescribeHosts, page by page; raises CallRefused."""
        from botocore import xform_name
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        service, _, operation = action.partition(":")
        try:
            if service not in self._clients:
                self._clients[service] = self._cloud.client(service, self._region, self._credentials, self.allowed)
            client, name = self._clients[service], xform_name(operation)
            if client.can_paginate(name):
                paging = {"PageSize": PAGES[action]} if action in PAGES else {}
                yield from client.get_paginator(name).paginate(**parameters, PaginationConfig=paging)
            else:
                yield getattr(client, name)(**parameters)
        except ClientError as error:
            account_id = self._account_id or "the caller's"
            raise answered(error, action, account_id, self._asked_region(service), self._role) from None
        except (BotoCoreError, ResponseParserError) as error:
            raise unanswered(error, action, self._account_id, self._asked_region(service)) from None

    def close(self) -> None:
        """Let the connections go."""
        for client in self._clients.values():
            client.close()

    def _asked_region(self, service: str) -> str | None:
        return None if service in ("sts", "organizations") else self._region


class Account:
    """One account of the organization, as its Regions are asked one after the other, by one thread at a time."""

    def __init__(self, cloud: Cloud, caller: Caller, account_id: str, settings: Settings) -> None:
        self._cloud, self._caller, self.account_id = cloud, caller, account_id
        self._role = None if account_id == caller.account_id else settings.aws_role_name
        self._allowed = permissions.of_an_account(settings.aws_additional_actions)
        self._credentials: Mapping[str, str] | None = None if self._role else {}

    def asker(self, region: str) -> Asker:
        """A Region of it; raises CallRefused where its role can't be assumed."""
        if self._credentials is None:
            self._credentials = self._assumed()
        return Asker(self._cloud, self.account_id, region, self._role, self._allowed, self._credentials)

    def _assumed(self) -> Mapping[str, str]:
        arn = f"arn:{self._caller.partition}:iam::{self.account_id}:role/{self._role}"
        asker = Asker(self._cloud, self.account_id, self._caller.region, self._role, {permissions.ASSUME})
        policy = permissions.session_policy(self._allowed)
        try:
            (answer,) = asker.pages(permissions.ASSUME, RoleArn=arn, RoleSessionName=SESSION, Policy=policy)
        finally:
            asker.close()
        given = answer["Credentials"]
        return {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }
