"""AWS's words for what Tollgate has words of its own for."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from app.compute.rules import ResourceType, Tenancy
from app.licensing.rules import CountingType, Status

E = TypeVar("E", bound=StrEnum)

COUNTING: Mapping[CountingType, str] = {
    CountingType.VCPU: "vCPU",
    CountingType.CORE: "Core",
    CountingType.SOCKET: "Socket",
    CountingType.INSTANCE: "Instance",
}
STATUS: Mapping[Status, str] = {Status.ACTIVE: "AVAILABLE", Status.INACTIVE: "DISABLED"}
TENANCY: Mapping[Tenancy, str] = {
    Tenancy.SHARED: "EC2-Default",
    Tenancy.DEDICATED_INSTANCE: "EC2-DedicatedInstance",
    Tenancy.DEDICATED_HOST: "EC2-DedicatedHost",
}
RESOURCE: Mapping[str, str] = {
    ResourceType.IMAGE.value: "EC2_AMI",
    ResourceType.INSTANCE.value: "EC2_INSTANCE",
    ResourceType.DEDICATED_HOST.value: "EC2_HOST",
    ResourceType.MANAGED_INSTANCE.value: "SYSTEMS_MANAGER_MANAGED_INSTANCE",
}
"""AWS's API has no word for launch templates: they carry configurations here, but its lists leave them out."""


def meant(words: Mapping[E, str], word: str) -> E:
    """What a word of AWS's stands for; KeyError for any other."""
    return {given: meaning for meaning, given in words.items()}[word]
