"""What an account holds in a Region, as AWS told of it: the same from the AWS CLI's files and from a collector."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.compute.rules import InstanceState, Tenancy


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedImage:
    """An image that the account sees: its own, given to it, or public. `owner_name`: what AWS calls its owner."""

    resource_id: str
    owner_account_id: str
    name: str
    owner_name: str | None = None
    platform: str | None = None
    product_code: str | None = None
    public: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedTemplate:
    """A launch template. `launches` is None where its versions were not asked for: what it launches stays as known."""

    resource_id: str
    name: str
    launches: "TemplateContents | None" = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateContents:
    """What a launch template's default version launches."""

    image_id: str | None = None
    instance_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedHost:
    """A Dedicated Host of the account, with its physical figures."""

    resource_id: str
    instance_family: str
    sockets: int
    cores: int
    vcpus: int
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedInstance:
    """An instance; `cores` and `threads_per_core` as customised, or its type's own."""

    resource_id: str
    state: InstanceState
    instance_type: str
    tenancy: Tenancy
    cores: int
    threads_per_core: int
    image_id: str | None = None
    template_id: str | None = None
    host_id: str | None = None
    platform: str | None = None
    product_code: str | None = None
    launched_at: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def vcpus(self) -> int:
        return self.cores * self.threads_per_core


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """All that an account holds in a Region. A kind that is None was not asked for: nothing of it is taken for gone."""

    account_id: str
    region: str
    images: Sequence[ObservedImage] | None = None
    templates: Sequence[ObservedTemplate] | None = None
    hosts: Sequence[ObservedHost] | None = None
    instances: Sequence[ObservedInstance] | None = None
