"""Root fields that find license configurations, and the one that counts everything anew."""

from datetime import datetime

import strawberry

from app.kernel import reads
from app.kernel.errors import invalid
from app.kernel.graphql.node import Connection, TagInput
from app.kernel.graphql.perform import Info
from app.kernel.graphql.scalars import AccountId, RegionCode
from app.kernel.ids import check_text
from app.licensing import integrity
from app.licensing.loaders import by_arn, check_filter, filtered, key_or_none
from app.licensing.rules import CountingType, Status
from app.licensing.schema import LicenseConfiguration

LONGEST_ARN = 256


@strawberry.input
class LicenseConfigurationFilter:
    ids: list[strawberry.ID] | None = None
    name_contains: str | None = strawberry.field(default=None, description="Upper and lower case are the same.")
    counting_type: CountingType | None = None
    status: Status | None = None
    hard_limit: bool | None = None
    over_limit: bool | None = strawberry.field(default=None, description="Whether more is consumed than the count.")
    owner_account_id: AccountId | None = None
    tag: TagInput | None = strawberry.field(default=None, description="A tag of this key and this very value.")


@strawberry.type
class IntegrityReport:
    consistent: bool
    license_configurations_checked: int
    discrepancies: list[str] = strawberry.field(
        description="One for each configuration whose kept consumption is not the sum of its associations, or not what "
        "the counting rules say of its resources."
    )
    checked_at: datetime


@strawberry.type
class LicensingQuery:
    @strawberry.field(
        description="A license configuration by its id or its ARN; null where the viewer may not see it, or there is "
        "none."
    )
    async def license_configuration(
        self, info: Info, id: strawberry.ID | None = None, arn: str | None = None
    ) -> LicenseConfiguration | None:
        found: LicenseConfiguration | None
        if arn is not None:
            check_text(arn, "The ARN", LONGEST_ARN, "arn", minimum=0)
            found = next(iter(await reads.listing(info, LicenseConfiguration, by_arn)), None)
        elif id is not None:
            found = await reads.node(info, LicenseConfiguration, key_or_none(id))
        else:
            raise invalid("Name a license configuration by its id or its ARN.", "id")
        return found

    @strawberry.field(description="Those that the viewer's account owns and those shared with it.")
    async def license_configurations(
        self,
        info: Info,
        region: RegionCode | None = None,
        filter: LicenseConfigurationFilter | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[LicenseConfiguration]:
        given = filter or LicenseConfigurationFilter()
        check_filter(region, given.ids, given.name_contains, (given.tag.key, given.tag.value) if given.tag else None)
        found: Connection[LicenseConfiguration] = await reads.connection_of(info, LicenseConfiguration, filtered)
        return found

    @strawberry.field(
        description="Counts every consumption of the viewer's account anew and holds it against what is kept."
    )
    async def integrity(self, info: Info) -> IntegrityReport:
        database, viewer = info.context.database, info.context.viewer
        found = await database.read(lambda connection: integrity.check(connection, viewer.account_id), snapshot=True)
        return IntegrityReport(
            consistent=found.consistent,
            license_configurations_checked=found.checked,
            discrepancies=list(found.discrepancies),
            checked_at=info.context.clock.now(),
        )
