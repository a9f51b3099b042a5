"""Alerts published to an account's SNS topic, where its core role grants it (AL-3)."""

import asyncio
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from app.alerts.delivery.failures import Undelivered
from app.kernel.database import Database
from app.linking.crossing import checks_to_publish
from app.settings import Settings

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient


class Topics:
    """Publishes with the credentials that boto3 finds."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._client = lru_cache(maxsize=64)(self._make)

    async def send(
        self, account_id: str, region: str, topic: str, delivery_id: str, payload: Mapping[str, Any]
    ) -> None:
        """One attempt; raises Undelivered. Subscribers tell repetitions by the attribute `deliveryId`."""
        checks = await self._database.read(
            lambda connection: checks_to_publish(connection, account_id, topic, region), snapshot=True
        )
        for check in checks:
            if check.refusal is not None:
                raise Undelivered(check.refusal.message)
        await asyncio.to_thread(self._publish, region, topic, delivery_id, payload)

    def _publish(self, region: str, topic: str, delivery_id: str, payload: Mapping[str, Any]) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        attributes = {"deliveryId": delivery_id, "kind": payload["data"].get("kind", "TEST")}
        try:
            self._client(region).publish(
                TopicArn=topic,
                Subject="Tollgate alert",
                Message=json.dumps(payload),
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )
        except ClientError as error:
            raise Undelivered(f"SNS answered {error.response['Error'].get('Code', 'an error')}.") from None
        except BotoCoreError as error:
            raise Undelivered(f"SNS could not be asked: {type(error).__name__}.") from None

    def _make(self, region: str) -> "SNSClient":
        import boto3
        from botocore.config import Config

        seconds = self._settings.delivery_seconds
        config = Config(connect_timeout=seconds, read_timeout=seconds, retries={"total_max_attempts": 1})
        # A session of its own: the default one is not made for threads.
        made: SNSClient = boto3.Session().client(
            "sns", region_name=region, endpoint_url=self._settings.aws_endpoint_url, config=config
        )
        return made
