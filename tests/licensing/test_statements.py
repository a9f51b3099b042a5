"""A list costs the same number of statements however long it is."""

from tests.licensing import configurations as of
from tests.support import licenses as made
from tests.support.api import Api
from tests.support.statements import reads_of

EVERYTHING = f"""
query($first: Int!) {{
  licenseConfigurations(first: $first) {{
    totalCount
    edges {{
      node {{
        {of.FIELDS}
        associations(first: 10) {{
          totalCount edges {{ node {{ consumedLicenses resource {{ resourceId account {{ name }} }} }} }}
        }}
        consumptionByAccount {{ account {{ accountId }} consumedLicenses resources }}
        hostsByTenancy {{ tenancy hosts }}
        usageHistory(from: "2026-01-05T00:00:00Z", to: "2026-01-06T00:00:00Z") {{ at consumedLicenses }}
        resourceShares {{ name }}
        failures(first: 10) {{ totalCount }}
      }}
    }}
  }}
}}"""


async def test_a_page_with_everything_takes_three_statements_however_long_it_is(api: Api) -> None:
    """One plans the page, one counts hosts, one reads the history."""
    owner = await api.account("111122223333")
    ids = [(await of.create(owner, f"number {number}"))["id"] for number in range(8)]
    await made.launched(owner, await made.image(owner, *ids), count=3)
    for first in (1, 8):
        with reads_of("license_configuration") as planned, reads_of("usage_hour") as histories:
            page = await owner.field(EVERYTHING, first=first)
        assert len(page["edges"]) == first
        assert all(edge["node"]["associations"]["totalCount"] == 4 for edge in page["edges"])
        assert (len(planned), len(histories)) == (2, 1)
