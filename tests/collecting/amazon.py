"""AWS by moto's server in this process: an organization of accounts, what is asked of it, and what it refuses."""

import functools
import json
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import boto3
import pytest
from moto.core.exceptions import ServiceException
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult, BaseResponse
from moto.ec2.models import ec2_backends
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.organizations.models import organizations_backends
from moto.ssm.responses import SimpleSystemManagerResponse

from app.settings import Settings

MASTER: str = DEFAULT_ACCOUNT_ID
REGION, OTHER_REGION = "us-east-1", "eu-west-1"
LICENSE_MANAGER = "license-manager.amazonaws.com"
ROLE = "TollgateCollector"
Fault = tuple[str, str, str]
"""An action such as ec2:DescribeHosts, the account and the Region."""


class Refused(ServiceException):
    """An error of any service: moto knows those of its own by their modules."""


@dataclass
class Amazon:
    """What one test does with AWS."""

    url: str
    asked: list[Fault] = field(default_factory=list)
    "Every call that came, the test's own too, since the last collection began."
    refused: dict[Fault, list[str]] = field(default_factory=dict)
    "Error codes by call, each given once and the last of them for ever."
    inventory: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    "SSM's Entities by account and Region; moto has no GetInventory."
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    "The session policies by the role that was assumed."

    def settings(self, **given: Any) -> Settings:
        values = {"aws_endpoint_url": self.url, "aws_regions": (REGION,), "aws_concurrency": 2, **given}
        return Settings(_env_file=None, **values)

    def client(self, service: Literal["ec2", "organizations", "ssm", "sts"], account_id: str, region: str) -> Any:
        """A client that does what it likes in an account."""
        session: Any = _session()
        options: dict[str, Any] = {"region_name": region, "endpoint_url": self.url}
        if account_id == MASTER:
            return session.client(service, **options)
        arn = f"arn:aws:iam::{account_id}:role/Test"
        given = session.client("sts", **options).assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        keys = {"aws_access_key_id": given["AccessKeyId"], "aws_secret_access_key": given["SecretAccessKey"]}
        return session.client(service, aws_session_token=given["SessionToken"], **keys, **options)

    def ec2(self, account_id: str = MASTER, region: str = REGION) -> Any:
        return self.client("ec2", account_id, region)

    def organization(self, *names: str) -> list[str]:
        """An organization with these accounts in it, and License Manager's access; their ids."""
        client = self.client("organizations", MASTER, REGION)
        client.create_organization(FeatureSet="ALL")
        client.enable_aws_service_access(ServicePrincipal=LICENSE_MANAGER)
        return [self.join(each) for each in names]

    def join(self, name: str) -> str:
        client = self.client("organizations", MASTER, REGION)
        made = client.create_account(AccountName=name, Email=f"{name}@example.com")
        account_id: str = made["CreateAccountStatus"]["AccountId"]
        return account_id

    def put_in_state(self, account_id: str, state: str) -> None:
        """Have the organization tell that an account is SUSPENDED, ACTIVE again, or another of its states."""
        (backend,) = (each["aws"] for each in organizations_backends.values() if each["aws"].org is not None)
        (account,) = (each for each in backend.accounts if each.id == account_id)
        account.state = state
        account.status = state if state in ("ACTIVE", "PENDING_CLOSURE") else "SUSPENDED"

    def image(self, account_id: str = MASTER, name: str = "image", region: str = REGION) -> str:
        """The id of a new image."""
        made = self.ec2(account_id, region).register_image(Name=name, RootDeviceName="/dev/sda1")
        image_id: str = made["ImageId"]
        return image_id

    def show_image(self, owner: str, image_id: str, account_id: str, *, listed: bool) -> None:
        """Have an account see an image of another, in its list of what was given to it or by its id alone.

        moto keeps each account's images apart.
        """
        image = ec2_backends[owner][REGION].amis[image_id]
        if listed:
            image.launch_permissions.append({"UserId": account_id})
        ec2_backends[account_id][REGION].amis[image_id] = image

    def forget_images(self, account_id: str) -> None:
        """Have no images any more in an account."""
        ec2_backends[account_id][REGION].amis.clear()

    def change_type(self, instance_id: str, instance_type: str) -> None:
        """Make an instance one of a type that EC2 does not offer yet."""
        ec2_backends[MASTER][REGION].get_instance(instance_id).instance_type = instance_type

    def run(
        self, image_id: str, account_id: str = MASTER, count: int = 1, region: str = REGION, **given: Any
    ) -> list[str]:
        """The ids of new instances, m5.large unless told otherwise."""
        wanted = {"InstanceType": "m5.large", "MinCount": count, "MaxCount": count, **given}
        made = self.ec2(account_id, region).run_instances(ImageId=image_id, **wanted)
        return [each["InstanceId"] for each in made["Instances"]]

    def refuse(self, action: str, account_id: str, *codes: str, region: str = REGION) -> None:
        """Answer a call with error codes, one after the other; the last of them for ever, "" for none."""
        self.refused[action, account_id, region] = list(codes)

    def actions(self) -> Counter[tuple[str, str]]:
        """How often each action was asked in each account."""
        return Counter((action, account_id) for action, account_id, _ in self.asked)

    # ------------------------------------------------------------ the server's side

    def answer(self, response: Any, go_on: Any) -> Any:
        """Note a call, and refuse it where a test said so."""
        action = f"{response.boto3_service_name}:{response._get_action()}"
        account_id = response.current_account
        if action == "sts:AssumeRole":
            arn = response._get_param("RoleArn")
            account_id = arn.split(":")[4]
            if response._get_param("Policy"):
                self.policies[arn] = json.loads(response._get_param("Policy"))
        call = action, account_id, response.region
        self.asked.append(call)
        codes = self.refused.get(call)
        code = (codes.pop(0) if len(codes) > 1 else codes[0]) if codes else ""
        if code:
            return _error(response, code)
        return go_on()

    def get_inventory(self, response: Any) -> str:
        """Two servers a page, each with the type that was asked for."""
        given = json.loads(response.body)
        (wanted,) = (each["TypeName"] for each in given["ResultAttributes"])
        found = self.inventory.get((response.current_account, response.region), [])
        start = int(given.get("NextToken", 0))
        page = [
            {"Id": each["Id"], "Data": {name: each["Data"][name] for name in each["Data"] if name == wanted}}
            for each in found[start : start + 2]
        ]
        more = {"NextToken": str(start + 2)} if start + 2 < len(found) else {}
        return json.dumps({"Entities": page, **more})


@functools.cache
def _session() -> boto3.Session:
    """Reading the services' models takes longer than what is done by them."""
    return boto3.Session("test", "test")


def _error(response: Any, code: str) -> Any:
    if response.boto3_service_name == "ssm":
        return 400, {"x-amzn-ErrorType": code}, json.dumps({"__type": code, "message": "The test says so."})
    if response.boto3_service_name != "sts":
        return response.serialized(ActionResult(Refused(code, "The test says so.")))
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>The test says so.</Message></Error>"
    return 403, {"Content-Type": "text/xml"}, f"<ErrorResponse>{error}</ErrorResponse>"


@contextmanager
def serving() -> Iterator[str]:
    """moto's server, without the images that it has from the start; its URL."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        patch.setattr(logging.getLogger("werkzeug"), "disabled", True)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        try:
            yield f"http://{host}:{port}"
        finally:
            server.stop()
            assert server._server is not None
            server._server.server_close()


@contextmanager
def watched(url: str) -> Iterator[Amazon]:
    """An empty AWS that notes what it is asked."""
    amazon = Amazon(url)
    go_on = BaseResponse.call_action
    organizations_backends.reset()
    ec2_backends.reset()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setattr(BaseResponse, "call_action", lambda self: amazon.answer(self, lambda: go_on(self)))
        patch.setattr(
            SimpleSystemManagerResponse, "get_inventory", lambda self: amazon.get_inventory(self), raising=False
        )
        yield amazon


def server(id_: str, **types: list[dict[str, str]]) -> dict[str, Any]:
    """One of GetInventory's Entities; types by the last part of their names."""
    captured = "2026-01-05T08:00:00Z"
    return {
        "Id": id_,
        "Data": {
            f"AWS:{name}": {
                "TypeName": f"AWS:{name}",
                "SchemaVersion": "1.0",
                "CaptureTime": captured,
                "Content": content,
            }
            for name, content in types.items()
        },
    }
