"""The AWS CLI works against Tollgate unchanged."""

import asyncio
import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from app.identity.access_keys import NewAccessKey
from tests.aws.door import ACCOUNT, Door


class CommandLine:
    """`aws license-manager`, with nothing of this machine's own configuration."""

    def __init__(self, url: str, key: NewAccessKey, home: Path) -> None:
        self._url = url
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AWS_ACCESS_KEY_ID": key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    async def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code, and what was printed."""
        aws = Path(sys.executable).with_name("aws")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(aws),
            "license-manager",
            *arguments,
            "--endpoint-url",
            self._url,
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def json(self, *arguments: str) -> Any:
        code, out, err = await self(*arguments)
        assert code == 0, err
        return json.loads(out) if out.strip() else None


async def test_the_aws_cli_creates_lists_and_deletes(door: Door, tmp_path: Path) -> None:
    """LC-13, and errors in the words that the AWS CLI prints."""
    await door.both()
    aws = CommandLine(door.url, await door.key(ACCOUNT), tmp_path)
    created = await aws.json(
        "create-license-configuration",
        "--name=Database",
        "--license-counting-type=Core",
        "--license-count=96",
        "--license-count-hard-limit",
        "--license-rules",
        "#minimumCores=8",
        "#allowedTenancy=EC2-DedicatedHost",
    )
    arn = created["LicenseConfigurationArn"]
    listed = await aws.json("list-license-configurations", "--max-items=5")
    (found,) = listed["LicenseConfigurations"]
    assert found["LicenseRules"] == ["#minimumCores=8", "#allowedTenancy=EC2-DedicatedHost"]
    assert await aws.json("delete-license-configuration", f"--license-configuration-arn={arn}") in (None, {})
    code, _, err = await aws("get-license-configuration", f"--license-configuration-arn={arn}")
    assert code != 0
    assert "(InvalidParameterValueException) when calling the GetLicenseConfiguration operation" in err
    assert "is not found" in err


async def test_the_commands_of_the_readme_do_what_they_say(door: Door, tmp_path: Path) -> None:
    await door.both()
    aws = CommandLine(door.url, await door.key(ACCOUNT), tmp_path)
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    commands = [shlex.split(line) for line in readme.splitlines() if line.startswith("aws license-manager ")]
    assert len(commands) == 3
    for command in commands:
        *arguments, option, _address = command[2:]
        assert option == "--endpoint-url"
        await aws.json(*arguments)
    listed = await aws.json("list-license-configurations")
    assert [each["Name"] for each in listed["LicenseConfigurations"]] == ["Database"]
