"""What EC2 answers and moto does not keep: tenancy, CPU options, product codes, and what a Dedicated Host holds.

moto's server runs in this process, so that its objects can be completed; it then renders them as EC2 does.
"""

from collections.abc import Iterable
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.hosts import Host

from app.compute.catalogue import family_of, host_family, instance_type

RUNNING = 16


def complete_hosts() -> None:
    """From now on DescribeHosts gives sockets, cores, vCPUs, and the instances on a host."""
    hosts: Any = Host
    hosts.host_properties = property(_properties)
    hosts.instances = property(_instances)


def complete_instances(
    account: str, region: str, ids: Iterable[str], tenancy: str, cpu: tuple[int, int] | None
) -> None:
    """What RunInstances was asked, where moto drops it."""
    for instance_id in ids:
        instance: Any = _backend(account, region).get_instance(instance_id)
        kind = instance_type(instance.instance_type)
        if kind is None:
            raise ValueError(f"{instance.instance_type} is not an instance type")
        cores, threads = cpu or (kind.cores, kind.threads_per_core)
        if not kind.valid_cpu_options(cores, threads):
            raise ValueError(f"{kind.name} does not take {cores} cores with {threads} threads each")
        instance.placement.tenancy = tenancy
        instance.cpu_options = {"CoreCount": cores, "ThreadsPerCore": threads}
        instance.product_codes = _backend(account, region).amis[instance.image_id].product_codes


def complete_image(account: str, region: str, image_id: str, product_code: str | None = None) -> None:
    """EC2 names a platform for Windows alone, and a copy of a Marketplace image keeps its product code."""
    image: Any = _backend(account, region).amis[image_id]
    image.platform = image.platform if image.platform == "windows" else None
    if product_code is not None:
        image.product_codes = [{"ProductCodeId": product_code, "ProductCodeType": "marketplace"}]


def _backend(account: str, region: str) -> Any:
    return ec2_backends[account][region]


def _properties(host: Any) -> dict[str, Any]:
    family = host.instance_family or family_of(host.instance_type)
    figures = host_family(family)
    if figures is None:
        raise ValueError(f"{family} has no Dedicated Hosts whose figures are known")
    of_one_type = {"InstanceType": host.instance_type} if host.instance_type else {}
    return {
        "Cores": figures.cores,
        **of_one_type,
        "InstanceFamily": family,
        "Sockets": figures.sockets,
        "TotalVCpus": figures.vcpus,
    }


def _instances(host: Any) -> list[dict[str, str]]:
    return [
        {"InstanceId": each.id, "InstanceType": each.instance_type, "OwnerId": each.owner_id}
        for each in host.ec2_backend.all_instances()
        if each.placement.host_id == host.id and each.state_code == RUNNING
    ]
