"""The sample's images, Dedicated Hosts, launch templates and instances of an account's Region."""

from pathlib import Path
from typing import Any

from scripts.sample.gaps import complete_image, complete_instances
from scripts.sample.output import answer, write
from scripts.sample.plan import OWN_IMAGES, PUBLIC_IMAGES, Place, Workload

COST_CENTERS = {"Production": "1100", "Development": "2200", "Shared Services": "3300"}


class Maker:
    """Makes what a place's plan says; `ec2` is a client of the place's account and Region."""

    def __init__(self, ec2: Any, account_id: str, place: Place) -> None:
        self.ec2 = ec2
        self.account_id = account_id
        self.place = place
        self.images = {image: self._image(image) for image in dict.fromkeys(each.image for each in place.workloads)}
        self.hosts = [self._host(number, asked) for number, asked in enumerate(place.hosts)]

    def make(self) -> None:
        """Launch every workload, then stop what the plan has stopped."""
        for workload in self.place.workloads:
            ids = self._launch(workload)
            for number, instance_id in enumerate(ids, start=1):
                self.ec2.create_tags(Resources=[instance_id], Tags=_tags(Name=f"{workload.name}-{number:02}"))
            if workload.stopped:
                self.ec2.stop_instances(InstanceIds=ids[: workload.stopped])

    def write(self, folder: Path) -> None:
        """One file for each call that answers something."""
        used = sorted(self.images.values())
        images = answer(self.ec2, "describe-images", Filters=[{"Name": "image-id", "Values": used}])
        write(folder / "describe-images.json", images)
        write(folder / "describe-instances.json", answer(self.ec2, "describe-instances"))
        if self.hosts:
            write(folder / "describe-hosts.json", answer(self.ec2, "describe-hosts"))
        templates = answer(self.ec2, "describe-launch-templates")
        if templates["LaunchTemplates"]:
            write(folder / "describe-launch-templates.json", templates)
            versions = answer(self.ec2, "describe-launch-template-versions", Versions=["$Default"])
            write(folder / "describe-launch-template-versions.json", versions)

    def _image(self, image: str) -> str:
        region = self.place.region
        if image in PUBLIC_IMAGES:
            public = self._public(PUBLIC_IMAGES[image])
            complete_image(self.account_id, region, public)
            return public
        asked = OWN_IMAGES[image]
        source = self._public(asked["copy_of"])
        made: str = self.ec2.copy_image(SourceImageId=source, SourceRegion=region, Name=f"{image}-golden")["ImageId"]
        complete_image(self.account_id, region, made, asked.get("product_code"))
        self.ec2.create_tags(Resources=[made], Tags=_tags(**self._common(), Name=f"{image}-golden"))
        return made

    def _public(self, name: str) -> str:
        found = self.ec2.describe_images(Filters=[{"Name": "name", "Values": [name]}])["Images"]
        return min(str(each["ImageId"]) for each in found)

    def _host(self, number: int, asked: dict[str, str]) -> str:
        tags = _tags(**self._common(), Name=f"{self.place.account}-host-{number + 1}")
        allocated = self.ec2.allocate_hosts(
            AvailabilityZone=f"{self.place.region}a",
            Quantity=1,
            AutoPlacement="on",
            HostRecovery="on",
            TagSpecifications=[{"ResourceType": "dedicated-host", "Tags": tags}],
            **asked,
        )
        return str(allocated["HostIds"][0])

    def _launch(self, workload: Workload) -> list[str]:
        tags = [{"ResourceType": "instance", "Tags": _tags(**self._common(), Application=workload.name)}]
        # Without a token of ours botocore draws one at random, and EC2 shows it.
        asked: dict[str, Any] = {"MinCount": workload.count, "MaxCount": workload.count, "ClientToken": workload.name}
        what: dict[str, Any] = {"ImageId": self.images[workload.image], "InstanceType": workload.type}
        if workload.template:
            asked["LaunchTemplate"] = {"LaunchTemplateId": self._template(workload, what | {"TagSpecifications": tags})}
        else:
            asked |= what | {"TagSpecifications": tags}
        asked["Placement"] = {"AvailabilityZone": f"{self.place.region}a", "Tenancy": workload.tenancy}
        if workload.host is not None:
            asked["Placement"]["HostId"] = self.hosts[workload.host]
        if workload.cpu:
            asked["CpuOptions"] = dict(zip(("CoreCount", "ThreadsPerCore"), workload.cpu, strict=True))
        if workload.spot:
            asked["InstanceMarketOptions"] = {"MarketType": "spot"}
        ids = [str(each["InstanceId"]) for each in self.ec2.run_instances(**asked)["Instances"]]
        complete_instances(self.account_id, self.place.region, ids, workload.tenancy, workload.cpu)
        return ids

    def _template(self, workload: Workload, data: dict[str, Any]) -> str:
        made = self.ec2.create_launch_template(
            LaunchTemplateName=workload.name,
            LaunchTemplateData=data,
            TagSpecifications=[{"ResourceType": "launch-template", "Tags": _tags(**self._common())}],
        )
        return str(made["LaunchTemplate"]["LaunchTemplateId"])

    def _common(self) -> dict[str, str]:
        return {"Environment": self.place.unit, "CostCenter": COST_CENTERS[self.place.unit]}


def _tags(**tags: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
