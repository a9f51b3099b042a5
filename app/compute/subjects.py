"""Resources as the gate counts them."""

from app.compute.catalogue import InstanceType, instance_type
from app.compute.resources import Resource
from app.compute.rules import InstanceState, ResourceType, Tenancy
from app.licensing.counting import Subject


def subject_of(resource: Resource, host: Resource | None = None) -> Subject:
    """A resource with its figures; `host` is the Dedicated Host that an instance runs on."""
    kind = ResourceType(resource.type)
    if kind is not ResourceType.INSTANCE:
        own_host = resource.key if kind is ResourceType.DEDICATED_HOST else None
        return Subject(kind, resource.vcpus, resource.cores, resource.sockets, host_key=own_host)
    return instance_subject(
        resource.vcpus, resource.cores, instance_type(resource.instance_type or ""), resource.tenancy, host
    )


def instance_subject(
    vcpus: int | None, cores: int | None, kind: InstanceType | None, tenancy: str | None, host: Resource | None
) -> Subject:
    """An instance with its customised figures and those of its type; a type that is not known has none of its own."""
    return Subject(
        ResourceType.INSTANCE,
        vcpus=vcpus,
        cores=cores,
        sockets=host.sockets if host else None,
        default_vcpus=kind.vcpus if kind else vcpus,
        default_cores=kind.cores if kind else cores,
        tenancy=Tenancy(tenancy) if tenancy else None,
        host_key=host.key if host else None,
    )


def is_consuming(resource: Resource) -> bool:
    """Whether the resource uses licenses now: it runs, or it is a host or an active managed instance (EN-4, IN-4)."""
    if resource.gone_at is not None:
        return False
    match resource.type:
        case ResourceType.INSTANCE:
            return resource.state == InstanceState.RUNNING
        case ResourceType.DEDICATED_HOST:
            return True
        case ResourceType.MANAGED_INSTANCE:
            return resource.active
        case _:
            return False
