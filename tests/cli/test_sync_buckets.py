"""`tollgate sync buckets` reads what changed, tells what it came to, and names what it left out (IN-3, TR-1)."""

import asyncio
from pathlib import Path

from sqlalchemy import text

from app.inventory.aws.ssm import APPLICATION
from tests.cli.conftest import Run
from tests.inventory.bucket import OWNER, REGION, UPGRADE, bucket
from tests.inventory.discovery import enabled
from tests.support import licenses as made
from tests.support.api import Api
from tests.support.contents import contents


async def test_what_changed_is_read_and_what_is_left_out_is_named(api: Api, tollgate: Run, tmp_path: Path) -> None:
    owner = await api.account(OWNER)
    with bucket(str(tmp_path / "data")) as data:
        data.server("mi-1")
        data.server("mi-2", account="999999999999")
        first = await asyncio.to_thread(tollgate, "sync", "buckets", data.destination)
        assert (first.exit_code, f'upgradeDataCatalog(region: "{REGION}")' in first.stderr) == (1, True)
        await owner.done(UPGRADE, region=REGION)
        second = await asyncio.to_thread(tollgate, "sync", "buckets", data.destination, "--region", REGION)
        assert (second.exit_code, "managed instances" in second.stdout) == (0, True)
        assert "Passed over 1 accounts that are not known: 999999999999" in second.stderr
        third = await asyncio.to_thread(tollgate, "sync", "buckets", data.destination)
        assert (third.exit_code, "Nothing changed" in third.stdout) == (0, True)
        key = data.put(APPLICATION, "mi-1", b"broken")
        fourth = await asyncio.to_thread(tollgate, "sync", "buckets", data.destination, "--account", OWNER)
        assert (fourth.exit_code, f"{key}, line 1: " in fourth.stderr) == (1, True)


async def test_a_dry_run_tells_what_would_change_and_keeps_nothing(api: Api, tollgate: Run, tmp_path: Path) -> None:
    """IN-3: neither servers nor what was read of them, nor that anything was synchronised."""
    owner = await api.account(OWNER)
    await owner.done(UPGRADE, region=REGION)
    with bucket(str(tmp_path / "data")) as data:
        data.server("mi-1")
        data.put(APPLICATION, "mi-2", b"broken")
        before = await contents(api.database)
        rehearsed = await asyncio.to_thread(tollgate, "sync", "buckets", data.destination, "--dry-run")
        assert await contents(api.database) == before
        done = await asyncio.to_thread(tollgate, "sync", "buckets", data.destination)
        assert (rehearsed.exit_code, done.exit_code) == (1, 1)
        assert "managed instances: 1 added" in done.stdout
        assert rehearsed.stdout == done.stdout + "Nothing of it was kept.\n"
        assert "mi-2" in rehearsed.stderr
        assert rehearsed.stderr == done.stderr
        again = await asyncio.to_thread(tollgate, "sync", "buckets", data.destination, "--dry-run")
        assert again.stdout == "Nothing changed: what the files tell is known.\nNothing of it was kept.\n"


async def test_in_3_what_rules_of_discovery_did_is_told(api: Api, tollgate: Run, tmp_path: Path) -> None:
    """And a rule that could not be evaluated, with its reason and by the exit code."""
    owner = await api.account(OWNER)
    await owner.done(UPGRADE, region=REGION)
    await enabled(owner, await made.configuration(owner), "id:mi-1", "By id")
    with bucket(str(tmp_path / "data")) as data:
        data.server("mi-1")
        done = await asyncio.to_thread(tollgate, "sync", "buckets", data.destination, "--region", REGION)
        heads, line = (each.split() for each in done.stdout.splitlines()[-2:])
        assert " ".join(heads) == "RULE OF DISCOVERY ACCOUNT REGION FOUND ASSOCIATED ALREADY LEFT OUT"
        assert line == ["By", "id", OWNER, REGION, "1", "1", "0", "0"]
        assert (done.exit_code, "Rule" in done.stderr) == (0, False)
        await api.database.write(lambda tx: tx.execute(text("UPDATE discovery_rule SET filter = '(('")))
        broken = await asyncio.to_thread(tollgate, "sync", "buckets", data.destination, "--region", REGION)
        assert broken.stdout.splitlines()[-1].split() == ["By", "id", OWNER, REGION, "not", "evaluated"]
        assert broken.exit_code == 1
        assert f"Rule “By id” of account {OWNER}: Column 3 of the filter: " in broken.stderr


async def test_sources_that_are_none_are_refused(api: Api, tollgate: Run, tmp_path: Path) -> None:
    nothing = await asyncio.to_thread(tollgate, "sync", "buckets")
    assert (nothing.exit_code, "TOLLGATE_INVENTORY_SOURCES" in nothing.stderr) == (2, True)
    wrong = await asyncio.to_thread(tollgate, "sync", "buckets", "ftp://x")
    assert (wrong.exit_code, "neither a folder nor s3://" in wrong.stderr) == (2, True)
    absent = await asyncio.to_thread(tollgate, "sync", "buckets", tmp_path / "absent")
    assert (absent.exit_code, "can't be listed: No such file or directory" in absent.stderr) == (1, True)
