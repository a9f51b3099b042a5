"""An account's own settings (ST-1, ST-5, IN-3, TR-1)."""

from datetime import UTC, datetime

import pytest

from app.kernel.clock import ManualClock
from app.kernel.regions import regions
from app.linking import service
from app.linking.rules import DataCatalog, is_schedule, next_run
from app.linking.service import SettingsChange
from app.linking.settings import Settings, note_synced, settings, settings_of, take_due
from tests.sharing.stage import MASTER, REGION, UNSUPPORTED, Stage, codes

BUCKET = "arn:aws:s3:::aws-license-manager-service-ours"
TOPIC = f"arn:aws:sns:{REGION}:{MASTER}:aws-license-manager-service-alerts"


async def _settings(stage: Stage, region: str = REGION) -> Settings:
    found = await stage.read(settings, MASTER, region)
    assert found is not None
    return found


async def test_an_account_has_settings_in_every_region_from_the_first(stage: Stage) -> None:
    """ST-1, IN-3, TR-1: inventory at 13:00 UTC, a catalog that is not upgraded, no bucket, no topic."""
    await stage.exist(MASTER)
    found = await stage.read(settings_of, MASTER, [each.code for each in regions()])
    assert [each.region for each in found] == [each.code for each in regions()]
    first = found[0]
    assert (first.s3_bucket_arn, first.sns_topic_arn, first.last_sync_at) == (None, None, None)
    assert first.data_catalog is DataCatalog.ATHENA_MANAGED
    assert first.next_sync_at == datetime(2026, 1, 5, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    "bucket",
    [
        "arn:aws:s3:::our-bucket",
        "arn:aws:s3:::Aws-License-Manager-Service-x",
        "aws-license-manager-service-ours",
        "arn:aws-us-gov:s3:::aws-license-manager-service-ours",
        "arn:aws:s3:::aws-license-manager-service-",
        "arn:aws:s3:::aws-license-manager-service-a..b",
        "arn:aws:s3:::aws-license-manager-service-Ours",
        f"arn:aws:s3:::aws-license-manager-service-{'a' * 36}",
        f"{BUCKET}/resource_sync/*",
        f"{BUCKET}\n",
        "",
    ],
)
async def test_buckets_are_named_as_the_roles_policies_demand(stage: Stage, bucket: str) -> None:
    """ST-5."""
    await stage.exist(MASTER)
    (refusal,) = await stage.refused(MASTER, service.update, SettingsChange(REGION, s3_bucket_arn=bucket))
    assert (refusal.code, refusal.rule, refusal.field) == ("INVALID_INPUT", "ST-5", ("input", "s3BucketArn"))


@pytest.mark.parametrize(
    "topic",
    [
        f"arn:aws:sns:{REGION}:{MASTER}:alerts",
        f"arn:aws:sns:eu-west-1:{MASTER}:aws-license-manager-service-alerts",
        f"arn:aws:sns:{REGION}:1111:aws-license-manager-service-alerts",
        f"arn:aws:sns::{MASTER}:aws-license-manager-service-alerts",
        f"{TOPIC}:subscription",
        f"{TOPIC}{'a' * 256}",
        "*",
    ],
)
async def test_topics_are_named_as_the_roles_policies_demand(stage: Stage, topic: str) -> None:
    """ST-5: and of the settings' own Region."""
    await stage.exist(MASTER)
    (refusal,) = await stage.refused(MASTER, service.update, SettingsChange(REGION, sns_topic_arn=topic))
    assert (refusal.code, refusal.rule, refusal.field) == ("INVALID_INPUT", "ST-5", ("input", "snsTopicArn"))


async def test_what_is_left_out_stays_and_null_takes_away(stage: Stage) -> None:
    """ST-1: in one Region only."""
    await stage.exist(MASTER)
    await stage.settings(MASTER, s3_bucket_arn=BUCKET, sns_topic_arn=TOPIC, inventory_sync_schedule="*/5 * * * *")
    await stage.settings(MASTER, s3_bucket_arn=None)
    found = await _settings(stage)
    assert (found.s3_bucket_arn, found.sns_topic_arn, found.inventory_sync_schedule) == (None, TOPIC, "*/5 * * * *")
    await stage.settings(MASTER, sns_topic_arn=None, inventory_sync_schedule=None)
    found = await _settings(stage)
    assert (found.sns_topic_arn, found.inventory_sync_schedule) == (None, "0 13 * * *")
    assert (await _settings(stage, UNSUPPORTED)).sns_topic_arn is None


async def test_settings_work_in_every_region(stage: Stage) -> None:
    """RG-1: in GovCloud with ARNs of its partition."""
    await stage.exist(MASTER)
    topic = f"arn:aws-us-gov:sns:us-gov-west-1:{MASTER}:aws-license-manager-service-alerts"
    await stage.settings(MASTER, region="us-gov-west-1", sns_topic_arn=topic)
    assert (await _settings(stage, "us-gov-west-1")).sns_topic_arn == topic


async def test_several_faults_are_all_told_and_nothing_changes(stage: Stage) -> None:
    """ST-1."""
    await stage.exist(MASTER)
    change = SettingsChange(REGION, s3_bucket_arn="b", sns_topic_arn="t", inventory_sync_schedule="never")
    refusals = await stage.refused(MASTER, service.update, change)
    assert [each.field for each in refusals] == [
        ("input", "s3BucketArn"),
        ("input", "snsTopicArn"),
        ("input", "inventorySyncSchedule"),
    ]
    good_and_bad = SettingsChange(REGION, s3_bucket_arn=BUCKET, link_organization=True)
    assert codes(await stage.refused(MASTER, service.update, good_and_bad)) == ["NOT_IN_ORGANIZATION"]
    assert (await _settings(stage)).s3_bucket_arn is None


async def test_an_unknown_region_is_refused(stage: Stage) -> None:
    """RG-1."""
    await stage.exist(MASTER)
    (refusal,) = await stage.refused(MASTER, service.update, SettingsChange("us-moon-1"))
    assert (refusal.code, refusal.field) == ("INVALID_INPUT", ("input", "region"))
    (refusal,) = await stage.refused(MASTER, service.upgrade_data_catalog, "us-moon-1")
    assert (refusal.code, refusal.field) == ("INVALID_INPUT", ("region",))


async def test_the_catalog_is_upgraded_for_good_in_one_region(stage: Stage) -> None:
    """TR-1: twice is once."""
    await stage.exist(MASTER)
    for _ in range(2):
        await stage.act(MASTER, service.upgrade_data_catalog, REGION)
    assert (await _settings(stage)).data_catalog is DataCatalog.GLUE
    assert (await _settings(stage, UNSUPPORTED)).data_catalog is DataCatalog.ATHENA_MANAGED


@pytest.mark.parametrize(
    ("schedule", "upcoming"),
    [
        ("0 13 * * *", datetime(2026, 1, 5, 13, tzinfo=UTC)),
        ("*/15 8-18 * * MON-FRI", datetime(2026, 1, 5, 9, 15, tzinfo=UTC)),
        ("30 2 1,15 * *", datetime(2026, 1, 15, 2, 30, tzinfo=UTC)),
        ("0 0 29 2 *", datetime(2028, 2, 29, tzinfo=UTC)),
    ],
)
def test_a_schedule_says_when_the_next_run_is(schedule: str, upcoming: datetime) -> None:
    """IN-3."""
    assert is_schedule(schedule)
    assert next_run(schedule, datetime(2026, 1, 5, 9, tzinfo=UTC)) == upcoming


@pytest.mark.parametrize(
    "schedule",
    ["", "0 13 * *", "0 13 * * * *", "60 13 * * *", "0 25 * * *", "@daily", "0 0 31 2 *", "R R * * *", "H H * * *",
     "0 13 * * * 2026", "0\t13 * * *", "a b c d e", "*/0 * * * *", "0 0 * * L", "5-1 * * * *-*", "0 " * 200],
)  # fmt: skip
def test_what_never_comes_round_is_no_schedule(schedule: str) -> None:
    """IN-3: five fields, nothing random, nothing that never happens."""
    assert not is_schedule(schedule)


async def test_a_due_run_is_taken_once(stage: Stage, clock: ManualClock) -> None:
    """IN-3, TR-6: the next run is set as this one is taken; the last is shown when it is done."""
    await stage.exist(MASTER)
    await stage.settings(MASTER, inventory_sync_schedule="0 10 * * *")
    assert await stage.write(lambda tx: take_due(tx, 100)) == []
    clock.advance(hours=1)
    (run,) = await stage.write(lambda tx: take_due(tx, 100))
    assert (run.account_id, run.region) == (MASTER, REGION)
    assert await stage.write(lambda tx: take_due(tx, 100)) == []
    await stage.write(lambda tx: note_synced(tx, [(MASTER, REGION)]))
    found = await _settings(stage)
    assert found.next_sync_at == datetime(2026, 1, 6, 10, tzinfo=UTC)
    assert found.last_sync_at == clock.now()
