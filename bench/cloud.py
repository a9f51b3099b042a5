"""An organization by moto's server: `python -m bench.cloud PORT ACCOUNTS INSTANCES`; prints ready, and serves."""

import json
import logging
import os
import sys
import threading
from typing import Any

REGION = "us-east-1"
CHECKS_OFF = {"MOTO_EC2_LOAD_DEFAULT_AMIS": "false", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def _fill(accounts: int, instances: int) -> None:
    """The master and its members, each with an image and instances of it that run."""
    import boto3

    session = boto3.Session("test", "test", region_name=REGION)
    organizations, sts = session.client("organizations"), session.client("sts")
    organizations.create_organization(FeatureSet="ALL")
    organizations.enable_aws_service_access(ServicePrincipal="license-manager.amazonaws.com")
    for number in range(accounts - 1):
        made = organizations.create_account(AccountName=f"account {number}", Email=f"{number}@example.com")
        arn = f"arn:aws:iam::{made['CreateAccountStatus']['AccountId']}:role/Bench"
        given = sts.assume_role(RoleArn=arn, RoleSessionName="bench")["Credentials"]
        keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        _run(session, keys, instances)
    _run(session, ("test", "test", None), instances)


def _run(session: Any, keys: tuple[str, str, str | None], instances: int) -> None:
    ec2 = session.client("ec2", aws_access_key_id=keys[0], aws_secret_access_key=keys[1], aws_session_token=keys[2])
    image = ec2.register_image(Name="image", RootDeviceName="/dev/sda1")["ImageId"]
    ec2.run_instances(ImageId=image, InstanceType="m5.large", MinCount=instances, MaxCount=instances)


def main() -> None:
    """Fill it without HTTP, then serve."""
    port, accounts, instances = (int(each) for each in sys.argv[1:4])
    os.environ.update(CHECKS_OFF)
    from moto import mock_aws
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer
    from moto.ssm.responses import SimpleSystemManagerResponse

    # moto has no GetInventory: no server outside EC2 reports here.
    setattr(SimpleSystemManagerResponse, "get_inventory", lambda self: json.dumps({"Entities": []}))  # noqa: B010
    logging.getLogger("werkzeug").disabled = True
    with mock_aws():
        _fill(accounts, instances)
        server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
        server.start()
        print("ready", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
