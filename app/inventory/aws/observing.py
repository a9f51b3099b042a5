"""Asks AWS what an account holds in a Region. A kind whose call failed is not told, so that nothing of it is gone."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from app.inventory.aws import ec2, permissions, ssm
from app.inventory.aws.clients import Asker
from app.inventory.aws.refusals import CallRefused, unexpected
from app.inventory.aws.shapes import Path, Shape, Unexpected, read
from app.inventory.observation import Observation, ObservedImage, ObservedInstance, ObservedTemplate
from app.inventory.reported import Report
from app.kernel.errors import Refusal

T = TypeVar("T")
S = TypeVar("S", bound=Shape)
VALUES_OF_A_FILTER = 200
"""EC2 takes so many values of one filter."""


@dataclass(frozen=True, slots=True)
class Told:
    """What AWS told of an account's Region, and what it did not: `refusals`. `answered`: some call was."""

    observation: Observation
    reports: Sequence[Report]
    refusals: Sequence[Refusal]
    answered: bool = True


def observe(asker: Asker, account_id: str, region: str) -> Told:
    """Ask everything that may be asked, one call after the other."""
    return _Region(asker, account_id, region).told()


class _Region:
    def __init__(self, asker: Asker, account_id: str, region: str) -> None:
        self.asker, self.account_id, self.region = asker, account_id, region
        self.refusals: dict[Refusal, None] = {}  # each once, in order
        self.answered = False

    def told(self) -> Told:
        instances = self._all(
            permissions.INSTANCES,
            ec2.DescribeInstances,
            lambda answer: ec2.instances_of(answer, self.account_id, self.region),
        )
        templates = self._templates()
        hosts = self._all(
            permissions.HOSTS, ec2.DescribeHosts, lambda answer: ec2.hosts_of(answer, self.account_id, self.region)
        )
        images = self._images(instances or (), templates or ())
        observation = Observation(
            account_id=self.account_id,
            region=self.region,
            images=images,
            templates=templates,
            hosts=hosts,
            instances=instances,
        )
        reports = self._reports()
        return Told(observation, reports, list(self.refusals), self.answered)

    # ------------------------------------------------------------ EC2

    def _images(
        self, instances: Iterable[ObservedInstance], templates: Iterable[ObservedTemplate]
    ) -> list[ObservedImage] | None:
        """The account's own, those given to it, and of all others those that it uses: of public ones there are many."""
        mine = self._some_images(Owners=["self"])
        given = self._some_images(ExecutableUsers=["self"]) if mine is not None else None
        if mine is None or given is None:
            return None
        found = {each.resource_id: each for each in (*given, *mine)}
        launched = {each.launches.image_id for each in templates if each.launches}
        used = sorted({each for each in (*launched, *(each.image_id for each in instances)) if each} - found.keys())
        for start in range(0, len(used), VALUES_OF_A_FILTER):
            names = used[start : start + VALUES_OF_A_FILTER]
            # Asked by ids alone, EC2 refuses all of them where one is not there any more.
            others = self._some_images(Filters=[{"Name": "image-id", "Values": names}], IncludeDeprecated=True)
            if others is None:
                return None
            found.update((each.resource_id, each) for each in others)
        return list(found.values())

    def _some_images(self, **parameters: Any) -> list[ObservedImage] | None:
        return self._all(permissions.IMAGES, ec2.DescribeImages, ec2.images_of, **parameters)

    def _templates(self) -> list[ObservedTemplate] | None:
        if permissions.TEMPLATES not in self.asker.allowed:
            return None
        versions: ec2.DescribeLaunchTemplateVersions | None = None
        if permissions.TEMPLATE_VERSIONS in self.asker.allowed:
            told = self._all(
                permissions.TEMPLATE_VERSIONS,
                ec2.DescribeLaunchTemplateVersions,
                lambda answer: ((("LaunchTemplateVersions",), each) for each in answer.launch_template_versions),
                Versions=["$Default"],
            )
            if told is not None:
                versions = ec2.DescribeLaunchTemplateVersions.model_construct(launch_template_versions=told)
        return self._all(
            permissions.TEMPLATES,
            ec2.DescribeLaunchTemplates,
            lambda answer: ec2.templates_of(answer, versions),
        )

    def _all(
        self, action: str, shape: type[S], items: Callable[[S], Iterable[tuple[Path, T]]], **parameters: Any
    ) -> list[T] | None:
        """Everything that a call tells; None where it failed, which is noted."""
        try:
            pages = self.asker.pages(action, **parameters)
            found = [item for page in pages for _, item in items(read(shape, dict(page)))]
        except CallRefused as error:
            self._refused(error.refusal)
        except Unexpected as error:
            self._refused(unexpected(error, action, self.account_id, self.region))
        else:
            self.answered = True
            return found
        return None

    # ------------------------------------------------------------ SSM

    def _reports(self) -> list[Report]:
        """What SSM's agents reported, each server's types put together."""
        entities: dict[str, dict[str, Any]] = {}
        for type_name in ssm.TYPES:
            for entity in self._entities(permissions.INVENTORY, ResultAttributes=[{"TypeName": type_name}]):
                data = entities.setdefault(entity.get("Id", ""), {})
                data.update(entity.get("Data", {}))
        if permissions.INFORMATION in self.asker.allowed:
            for agent in self._entities(permissions.INFORMATION):
                told = {"CaptureTime": agent.get("LastPingDateTime"), "Content": [agent]}
                entities.setdefault(agent.get("InstanceId", ""), {}).setdefault(ssm.INFORMATION, told)
        return [each for id_, data in entities.items() if (each := self._report({"Id": id_, "Data": data}))]

    def _entities(self, action: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        name = "Entities" if action == permissions.INVENTORY else "InstanceInformationList"
        try:
            for page in self.asker.pages(action, **parameters):
                self.answered = True
                yield from page.get(name, ())
        except CallRefused as error:
            self._refused(error.refusal)

    def _report(self, entity: dict[str, Any]) -> Report | None:
        try:
            report, faults = ssm.report_of(entity, self.region)
        except Unexpected as error:
            self._refused(unexpected(error, permissions.INVENTORY, self.account_id, self.region))
            return None
        for each in faults[:1]:
            self._refused(unexpected(each, permissions.INVENTORY, self.account_id, self.region))
        return report

    def _refused(self, refusal: Refusal) -> None:
        self.refusals[refusal] = None
