"""Every setting of the service, read from environment variables that begin with TOLLGATE_ and checked at start."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from croniter import CroniterError, croniter
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "TOLLGATE_"


def _split(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _cron(value: str) -> str:
    schedule = " ".join(value.split())
    try:
        croniter(schedule, datetime(2024, 1, 1, tzinfo=UTC)).get_next()
    except (CroniterError, ValueError):
        schedule = ""
    if schedule.count(" ") != 4:
        raise ValueError("not a cron expression of five fields that comes round, such as 0 13 * * *")
    return schedule


def _ascending(value: tuple[int, ...]) -> tuple[int, ...]:
    if len(value) > 10 or any(low >= high for low, high in pairwise(value)):
        raise ValueError("up to 10 percentages, ascending, none of them twice")
    return value


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
Percentages = Annotated[
    tuple[Annotated[int, Field(ge=1, le=100)], ...], NoDecode, BeforeValidator(_split), AfterValidator(_ascending)
]
Cron = Annotated[str, AfterValidator(_cron)]

ADDITIONAL_ACTIONS = (
    "ec2:DescribeLaunchTemplates",
    "ec2:DescribeLaunchTemplateVersions",
    "organizations:ListOrganizationalUnitsForParent",
    "ssm:DescribeInstanceInformation",
)
"""What tells more of an account than the service-linked roles' policies let the service ask."""


def _additional(value: tuple[str, ...]) -> tuple[str, ...]:
    for each in value:
        if each not in ADDITIONAL_ACTIONS:
            raise ValueError(f"“{each[:60]}” is none of {', '.join(ADDITIONAL_ACTIONS)}")
    return value


Additional = Annotated[Words, AfterValidator(_additional)]


class Serving(BaseModel):
    """Serving"""

    environment: Literal["production", "development"] = Field(
        "production",
        description="`development` suggests field names in errors and writes logs for people.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    cors_origins: Words = Field((), description="Origins of front ends on other hosts, with commas between them.")
    trusted_proxies: Words = Field(
        ("127.0.0.1", "::1"),
        description="Addresses of proxies whose X-Forwarded-For is believed; the audit trail records what it says.",
    )
    shutdown_seconds: int = Field(10, ge=1, description="How long open requests may go on after a signal to stop.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What is logged.")
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="`auto` is `json` in production and `console` in development."
    )


class Storage(BaseModel):
    """Data and keys"""

    database_url: SecretStr = Field(
        SecretStr("sqlite+aiosqlite:///tollgate.db"),
        description="`sqlite+aiosqlite:///PATH` or `postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE`.",
    )
    data_directory: Path = Field(
        Path("tollgate-data"),
        description="Where keys that are not given are made and kept, readable for the server's user alone.",
    )
    secret_keys: Secrets = Field(
        (),
        description="Fernet keys that encrypt stored secrets, with commas between them. The first encrypts, all "
        "decrypt, so that a key can be replaced. None: one is made in the data directory.",
    )


class Authentication(BaseModel):
    """OpenID Connect"""

    oidc_issuer: str | None = Field(
        None, description="The issuer whose tokens are accepted beside API tokens. None: API tokens alone."
    )
    oidc_audience: str | None = Field(None, description="The audience that a token must name; needed with an issuer.")
    oidc_jwks_url: str | None = Field(None, description="Where the issuer publishes its keys.")
    oidc_jwks_file: Path | None = Field(None, description="A file with the issuer's keys, instead of a URL.")
    oidc_algorithms: Annotated[
        tuple[Literal["RS256", "RS512", "PS256", "ES256", "ES384", "EdDSA"], ...], NoDecode, BeforeValidator(_split)
    ] = Field(("RS256", "ES256"), min_length=1, description="Signature algorithms that are accepted.")
    oidc_account_claim: str = Field("tollgate_account", description="The claim with the 12-digit account.")
    oidc_permission_claim: str = Field(
        "tollgate_permission", description="The claim with `administrator`, `user` or `auditor`."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.oidc_issuer is None:
            return self
        if self.oidc_audience is None:
            raise ValueError("TOLLGATE_OIDC_AUDIENCE must be set where TOLLGATE_OIDC_ISSUER is")
        if (self.oidc_jwks_url is None) == (self.oidc_jwks_file is None):
            raise ValueError("with TOLLGATE_OIDC_ISSUER set one of TOLLGATE_OIDC_JWKS_URL and TOLLGATE_OIDC_JWKS_FILE")
        return self


class Requests(BaseModel):
    """Limits on requests"""

    max_body_bytes: int = Field(1024 * 1024, ge=1024, description="Bytes of a request's body.")
    body_seconds: float = Field(10, gt=0, description="Seconds until the whole body has come.")
    max_tokens: int = Field(2000, ge=100, description="Lexical tokens of a GraphQL document.")
    max_depth: int = Field(15, ge=1, description="Fields on the longest way down; introspection has 15.")
    max_fields: int = Field(500, ge=1, description="Fields, with every fragment spread expanded.")
    max_aliases: int = Field(50, ge=0, description="Aliases, with every fragment spread expanded.")
    max_directives: int = Field(50, ge=0, description="Directives, with every fragment spread expanded.")
    max_operations: int = Field(20, ge=1, description="Operations in one document; one of them runs.")
    max_cost: int = Field(50_000, ge=1, description="Cost of an operation: the nodes that its pages could hold.")
    execution_seconds: float = Field(30, gt=0, description="Seconds until an operation has answered.")


class Sockets(BaseModel):
    """Live connections"""

    websocket_init_seconds: float = Field(3, gt=0, description="Seconds until `connection_init` must have come.")
    max_connections: int = Field(
        10_000, ge=1, description="Open WebSocket and event stream connections of this server."
    )
    max_subscriptions: int = Field(100, ge=1, description="Subscriptions of one connection.")
    max_queued_events: int = Field(
        1000, ge=1, description="Events that wait for a slow consumer before it is cut off; it resumes by cursor."
    )


class Discovery(BaseModel):
    """Discovery and schedules"""

    inventory_sync_schedule: Cron = Field(
        "0 13 * * *",
        description="When the inventory of an account is brought up to date unless the account chooses another time: "
        "cron, UTC. It holds for accounts that are new, and for those that give up their choice.",
    )
    purge_schedule: Cron = Field("0 */4 * * *", description="When stale associations are purged: cron, UTC.")
    retention_schedule: Cron = Field(
        "*/15 * * * *", description="When inventory and records past their time go: cron, UTC."
    )
    inventory_retention_days: int = Field(30, ge=1, description="Days that reported inventory lives from its capture.")
    inventory_sources: Words = Field(
        (), description="Folders or `s3://BUCKET/PREFIX` of SSM resource data syncs, with commas between them."
    )
    aws_collection: bool = Field(
        False, description="Whether scheduled syncs also ask AWS, with the credentials that boto3 finds."
    )
    aws_role_name: str = Field(
        "TollgateCollector", description="The role that the collector assumes in each member account."
    )
    aws_regions: Words = Field(
        (),
        description="Regions that the collector visits, with commas between them. None: all with support of roles.",
    )
    aws_additional_actions: Additional = Field(
        (),
        description="Actions beyond the roles' policies that the collector uses too, with commas between them: "
        + ", ".join(f"`{each}`" for each in ADDITIONAL_ACTIONS)
        + ". The role that it assumes must grant them.",
    )
    aws_endpoint_url: str | None = Field(None, description="Another address for the AWS APIs, for trials.")
    aws_concurrency: int = Field(8, ge=1, le=64, description="Accounts that are collected at once.")


class Alerting(BaseModel):
    """Alerts and their delivery"""

    alert_thresholds: Percentages = Field(
        (80, 95),
        description="Percentages of the count at which new license configurations raise an alert, ascending. They "
        "hold where whoever makes one, by whichever way, names none, and are the default that the served schema tells.",
    )
    webhook_allow_private_addresses: bool = Field(
        False, description="Whether webhooks may point into private networks and at this machine."
    )
    delivery_attempts: int = Field(12, ge=1, description="Attempts before a delivery is put aside as a dead letter.")
    delivery_concurrency: int = Field(16, ge=1, le=256, description="Deliveries under way at once.")
    delivery_seconds: float = Field(10, gt=0, description="Seconds until a receiver must have answered.")
    smtp_host: str | None = Field(None, description="Mail server. None: e-mail channels are refused.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Its port.")
    smtp_user: str | None = Field(None, description="User name at the mail server.")
    smtp_password: SecretStr | None = Field(None, description="Password at the mail server.")
    smtp_from: str = Field("tollgate@localhost", description="Sender of e-mail.")
    smtp_tls: Literal["starttls", "tls", "none"] = Field("starttls", description="How the connection is encrypted.")


class Auditing(BaseModel):
    """Audit trail"""

    audit_retention_days: int = Field(400, ge=1, description="Days that records stay searchable.")
    trail_destination: str | None = Field(
        None, description="Folder or `s3://BUCKET/PREFIX` that log files are delivered to. None: none are."
    )
    trail_interval_seconds: int = Field(300, ge=1, description="Seconds between deliveries.")
    trail_signing_key_file: Path | None = Field(
        None, description="PEM file of the private key that signs digests. None: one is made in the data directory."
    )


class Settings(Serving, Storage, Authentication, Requests, Sockets, Discovery, Alerting, Auditing, BaseSettings):
    """The settings of one server; each is the environment variable TOLLGATE_ and its name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, hide_input_in_errors=True, extra="forbid"
    )
    sections: ClassVar[tuple[type[BaseModel], ...]] = (
        Serving,
        Storage,
        Authentication,
        Requests,
        Sockets,
        Discovery,
        Alerting,
        Auditing,
    )

    @property
    def development(self) -> bool:
        """Whether this server is for developing front ends against."""
        return self.environment == "development"


class SettingsError(Exception):
    """A variable can't be used. The message names it, never its value."""


def load() -> Settings:
    """The settings of this process's environment; raises SettingsError."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(problem) for problem in error.errors())) from None


def unknown(environment: Mapping[str, str]) -> list[str]:
    """Variables that look like settings and are none: a misspelt one would be ignored silently."""
    known = {variable(name) for name in Settings.model_fields}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def _explain(problem: Any) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    place = [str(part) for part in problem["loc"]]
    return f"{variable(place[0])}: {message}" if place else message
