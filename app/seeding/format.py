"""The format of seed files: what each section may say. Names are those of the GraphQL inputs."""

from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StrictBool, StrictInt
from pydantic.alias_generators import to_camel

from app.compute.rules import LaunchMechanism, Tenancy
from app.licensing.rules import CountingType, Status
from app.linking.rules import DataCatalog
from app.organizations.rules import FeatureSet
from app.roles.rules import ServiceLinkedRoleKind

AccountId = Annotated[str, Field(pattern=r"^[0-9]{12}$", description="Twelve digits.")]
RegionCode = Annotated[str, Field(max_length=32, description="A Region's code, such as us-east-1.")]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Tags = dict[str, str]
Count = Annotated[StrictInt, Field(ge=1, le=1000)]
License = Annotated[
    str,
    Field(
        max_length=300,
        description="A license configuration's name, of the same account and Region; OWNER/NAME where another account "
        "owns it and shares it.",
    ),
]
Image = Annotated[
    str, Field(max_length=300, description="An image's name; OWNER/NAME where another account shares it.")
]


def _rules(given: dict[str, Any]) -> dict[str, Any]:
    """Values that a license rule can have at all; which one may have which, license configurations say."""
    for name, value in given.items():
        words = isinstance(value, list) and all(isinstance(each, str) for each in value)
        if value is not None and not words and not isinstance(value, bool | int):
            raise ValueError(f"“{name[:64]}” must be a whole number, true, false, or a list of words")
    return given


class Part(BaseModel):
    """A part of a seed file; what it does not know is refused."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=False,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
    )


class Account(Part):
    id: AccountId
    name: Name
    email: str | None = None
    roles: Annotated[
        list[ServiceLinkedRoleKind],
        Field(description="Service-linked roles beside those that linking creates; CORE is the first-run grant."),
    ] = []


class Unit(Part):
    name: Name
    accounts: list[Account] = []
    units: list["Unit"] = []


class Organization(Part):
    master: Account
    id: Annotated[str | None, Field(pattern=r"^o-[0-9a-z]{10,32}$", description="Made unless given.")] = None
    feature_set: FeatureSet = FeatureSet.ALL
    service_access: Annotated[StrictBool, Field(description="License Manager's trusted access.")] = True
    accounts: Annotated[list[Account], Field(description="Those in no unit.")] = []
    units: list[Unit] = []
    link_in: Annotated[RegionCode | None, Field(description="Link the organization, in this Region.")] = None
    discovery: Annotated[StrictBool, Field(description="Discovery across accounts, which is for good.")] = False


class OfAccount(Part):
    """What belongs to an account in a Region."""

    account: AccountId
    region: RegionCode


class Settings(OfAccount):
    s3_bucket_arn: str | None = None
    sns_topic_arn: str | None = None
    inventory_sync_schedule: str | None = None
    data_catalog: DataCatalog | None = None


class LicenseConfiguration(OfAccount):
    name: Name
    counting_type: CountingType
    description: str | None = None
    rules: Annotated[
        dict[str, Any],
        AfterValidator(_rules),
        Field(
            description="Such as minimumCores, maximumCores, honorVcpuOptimization, allowedTenancy; the order is kept."
        ),
    ] = {}
    license_count: StrictInt | None = None
    hard_limit: StrictBool = False
    alert_thresholds: Annotated[
        list[StrictInt] | None,
        Field(description="Unless given, new ones take those of TOLLGATE_ALERT_THRESHOLDS."),
    ] = None
    status: Status = Status.ACTIVE
    tags: Tags = {}
    share_with_members: Annotated[StrictBool, Field(description="With every account of the linked organization.")] = (
        False
    )


class ResourceShare(OfAccount):
    name: Name
    license_configurations: list[License] = []
    principals: Annotated[
        list[str],
        Field(description="Account ids, the word organization, or units by the names down to them: Production/Web."),
    ] = []
    allow_external_principals: StrictBool = False
    tags: Tags = {}


class MachineImage(OfAccount):
    name: Name
    platform: str | None = None
    product_code: str | None = None
    shared_with: list[AccountId] = []
    license_configurations: list[License] = []
    tags: Tags = {}


class LaunchTemplate(OfAccount):
    name: Name
    image: Image | None = None
    instance_type: str | None = None
    license_configurations: list[License] = []
    tags: Tags = {}


class DedicatedHost(OfAccount):
    name: Annotated[Name, Field(description="Becomes its tag Name, by which it is known again.")]
    instance_family: str
    license_configurations: list[License] = []
    tags: Tags = {}


class CpuOptions(Part):
    core_count: StrictInt
    threads_per_core: StrictInt


class Launch(OfAccount):
    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=50,
            pattern=r"^[!-~]+$",
            description="Names the launch, and tags its instances unless a tag Name is given. A launch is done once: "
            "by its name it is known again.",
        ),
    ]
    image: Image | None = None
    launch_template: str | None = None
    instance_type: str | None = None
    count: Count = 1
    tenancy: Tenancy | None = None
    host: Annotated[str | None, Field(description="A Dedicated Host's name.")] = None
    cpu_options: CpuOptions | None = None
    license_configurations: list[License] = []
    mechanism: LaunchMechanism | None = None
    tags: Tags = {}
    stopped: Annotated[StrictInt, Field(ge=0, description="How many are stopped again after the launch.")] = 0


class Application(Part):
    name: Name
    version: str | None = None
    publisher: str | None = None


class ManagedInstance(OfAccount):
    resource_id: Annotated[str, Field(description="The server's own name for itself.")]
    name: str | None = None
    platform: str | None = None
    vcpus: StrictInt | None = None
    cores: StrictInt | None = None
    sockets: StrictInt | None = None
    captured_at: Annotated[AwareDatetime | None, Field(description="Now, unless given.")] = None
    applications: list[Application] = []
    license_configurations: list[License] = []
    tags: Tags = {}


class SeedFile(Part):
    """An organization, its licenses, and what runs in its accounts. Sections are applied in the order in which they
    are listed here, all of them or none."""

    schema_: Annotated[str | None, Field(alias="$schema", description="For editors.")] = None
    accounts: Annotated[list[Account], Field(description="Accounts in no organization.")] = []
    organization: Organization | None = None
    settings: list[Settings] = []
    license_configurations: list[LicenseConfiguration] = []
    resource_shares: list[ResourceShare] = []
    images: list[MachineImage] = []
    launch_templates: list[LaunchTemplate] = []
    dedicated_hosts: list[DedicatedHost] = []
    launches: list[Launch] = []
    managed_instances: list[ManagedInstance] = []
