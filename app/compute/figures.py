"""What counting needs of resources, as one relation that other slices' statements join."""

from sqlalchemy import Subquery, and_, case, select

from app.compute.models import ResourceRow
from app.compute.rules import InstanceState, ResourceType
from app.kernel.tables import table_of

_resources = table_of(ResourceRow)


def figures() -> Subquery:
    """A fresh relation of all resources: `key`, `type`, `consuming`, `instance_type`, `vcpus`, `cores`, `sockets`,
    `tenancy`, `host_key`.

    `consuming` says in SQL what `is_consuming` says of one resource: it runs, or it is a host or an active managed
    instance (EN-4, IN-4). `host_key`: the Dedicated Host that an instance runs on, or the host itself.
    """
    resource = _resources.alias()
    there = resource.c.gone_at.is_(None)
    consuming = case(
        (resource.c.type == ResourceType.INSTANCE, and_(there, resource.c.state == InstanceState.RUNNING)),
        (resource.c.type == ResourceType.DEDICATED_HOST, there),
        (resource.c.type == ResourceType.MANAGED_INSTANCE, and_(there, resource.c.active)),
        else_=False,
    )
    host_key = case((resource.c.type == ResourceType.DEDICATED_HOST, resource.c.id), else_=resource.c.host_id)
    return select(
        resource.c.id.label("key"),
        resource.c.type,
        consuming.label("consuming"),
        resource.c.instance_type,
        resource.c.vcpus,
        resource.c.cores,
        resource.c.sockets,
        resource.c.tenancy,
        host_key.label("host_key"),
    ).subquery()
