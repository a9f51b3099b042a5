"""Files as the AWS CLI printed them: found in their folders, read, and put together by account and Region."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from app.inventory.aws import ec2, organizations
from app.inventory.aws.organizations import OrganizationAnswers
from app.inventory.aws.shapes import Path as Place
from app.inventory.aws.shapes import Unexpected, dotted, read
from app.inventory.observation import Observation
from app.kernel.errors import DomainError
from app.kernel.ids import check_account_id
from app.kernel.regions import region as known_region
from app.organizations.observed import ObservedOrganization
from app.seeding.errors import InputError, refused

LARGEST_FILE = 1024 * 1024 * 1024
_PARENT = re.compile(r"r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}")
_ACCOUNT = re.compile(r"[0-9]{12}")
T = TypeVar("T")
Item = tuple[Place, T]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one file holds: the answer to a call of the AWS CLI, such as describe-hosts."""

    file: Path
    call: str
    content: Any


@dataclass(slots=True)
class Gathered:
    """All that was found. Each part with the folder or file that it came from, for whoever tells of it."""

    organizations: list[tuple[Path, ObservedOrganization]] = field(default_factory=list)
    observations: list[tuple[Path, Observation]] = field(default_factory=list)
    passed_over: list[Path] = field(default_factory=list)


def gather(
    path: Path, account_id: str | None = None, region: str | None = None, on_file: Callable[[], None] = lambda: None
) -> Gathered:
    """Read a folder of such files, or one file; raises InputError for the first that can't be taken.

    What EC2 told lies in folders ACCOUNT/REGION at any depth; `account_id` and `region` stand in for the folders.
    `on_file` is called after each file.
    """
    result = Gathered()
    folders: dict[Path, list[Answer]] = {}
    for file in _files(path):
        answer = _read(file)
        on_file()
        if answer is None:
            result.passed_over.append(file)
        else:
            folders.setdefault(file.parent, []).append(answer)
    if not folders:
        raise InputError(
            path,
            "holds nothing that can be imported",
            remedy="Name a folder with files as the AWS CLI prints them, such as describe-instances.json.",
        )
    for folder, answers in folders.items():
        told = [each for each in answers if each.call in organizations.ANSWERS]
        if told:
            result.organizations.append((folder, _organization(folder, told)))
        held = [each for each in answers if each.call in ec2.ANSWERS]
        if held:
            owner, where = _place(held[0].file, account_id, region)
            result.observations.append((folder, _observation(held, owner, where)))
    return result


def count(path: Path) -> int:
    """How many files there are to read."""
    return sum(1 for _ in _files(path))


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from sorted(each for each in path.rglob("*.json") if each.is_file())
    else:
        raise InputError(path, "there is no such file or folder")


def _read(file: Path) -> Answer | None:
    """The answer in a file, by its name up to the first dot; None for one that is named for no call known here."""
    call = file.name.split(".", 1)[0]
    shape = ec2.ANSWERS.get(call) or organizations.ANSWERS.get(call)
    if shape is None:
        return None
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise InputError(file, f"is larger than {LARGEST_FILE // 1024**3} GB", remedy="Split it by Region.")
        return Answer(file, call, read(shape, file.read_bytes()))
    except OSError as error:
        raise InputError(file, f"can't be read: {error.strerror}") from None
    except Unexpected as error:
        raise InputError(file, error.message, where=dotted(error.path)) from None


def _place(file: Path, account_id: str | None, region: str | None) -> tuple[str, str]:
    """The account and Region of a file: as told, or by its folders."""
    folders = file.resolve().parent
    account_id = account_id or (folders.parent.name if _ACCOUNT.fullmatch(folders.parent.name) else None)
    if account_id is None or (region is None and not _ACCOUNT.fullmatch(folders.parent.name)):
        raise InputError(
            file,
            "lies in no folder ACCOUNT/REGION, such as 111122223333/us-east-1",
            remedy="Put it in one, or name them by --account and --region.",
        )
    try:
        return check_account_id(account_id, "--account"), known_region(region or folders.name, "--region").code
    except DomainError as error:
        raise refused(file.parent, error) from None


# ------------------------------------------------------------ an account's Region


def _observation(answers: Sequence[Answer], account_id: str, region: str) -> Observation:
    versions = _joined(answers, "describe-launch-template-versions", "launch_template_versions")
    return Observation(
        account_id=account_id,
        region=region,
        images=_all(answers, "describe-images", ec2.images_of),
        templates=_all(answers, "describe-launch-templates", lambda answer: ec2.templates_of(answer, versions)),
        hosts=_all(answers, "describe-hosts", lambda answer: ec2.hosts_of(answer, account_id, region)),
        instances=_all(answers, "describe-instances", lambda answer: ec2.instances_of(answer, account_id, region)),
    )


def _all(answers: Sequence[Answer], call: str, items: Callable[[Any], Iterable[Item[T]]]) -> list[T] | None:
    """Everything that the files of a call tell, each thing once; None where there is no such file."""
    files = [each for each in answers if each.call == call]
    if not files:
        return None
    _check_complete(files)
    found: dict[str, T] = {}
    for answer in files:
        for place, item in _named(answer.file, items(answer.content)):
            id_ = str(item.resource_id)  # type: ignore[attr-defined]
            if id_ in found:
                raise InputError(answer.file, f"{id_} was told of before", where=dotted(place))
            found[id_] = item
    return list(found.values())


def _named(file: Path, items: Iterable[Item[T]]) -> Iterator[Item[T]]:
    """The items, with the file's name in what is wrong with one."""
    try:
        yield from items
    except Unexpected as error:
        raise InputError(file, error.message, where=dotted(error.path)) from None


def _check_complete(files: Sequence[Answer]) -> None:
    """Refuse what was printed in part: what is missing would be taken for gone."""
    if all(each.content.next_token for each in files):
        raise InputError(
            files[-1].file,
            "only a part was printed, and more is to come",
            where="NextToken",
            remedy="Print all of it, without --max-items; or put the other pages beside it.",
        )


def _joined(answers: Sequence[Answer], call: str, name: str) -> Any:
    """One answer of the files of a call; None where there is none."""
    contents = [each.content for each in answers if each.call == call]
    if not contents:
        return None
    return contents[0].model_copy(update={name: [item for each in contents for item in getattr(each, name)]})


# ------------------------------------------------------------ an organization


def _organization(folder: Path, answers: Sequence[Answer]) -> ObservedOrganization:
    by_call: dict[str, list[Answer]] = {}
    for answer in answers:
        by_call.setdefault(answer.call, []).append(answer)
    described = by_call.get("describe-organization")
    if described is None:
        raise InputError(
            answers[0].file,
            "is of an organization, and describe-organization.json is not beside it",
            remedy="Print it with aws organizations describe-organization.",
        )
    gathered = OrganizationAnswers(described[0].content.organization)
    for call, files in by_call.items():
        if call not in ("describe-organization", "list-roots"):
            _check_each_complete(call, files)
        for answer in files:
            _add(gathered, answer)
    try:
        return gathered.observed()
    except ValueError as error:
        raise InputError(folder, str(error)) from None


def _check_each_complete(call: str, files: Sequence[Answer]) -> None:
    """The same for calls that are asked once for each parent."""
    by_parent: dict[str | None, list[Answer]] = {}
    for answer in files:
        by_parent.setdefault(_parent(answer.file), []).append(answer)
    for some in by_parent.values():
        _check_complete(some)


def _add(gathered: OrganizationAnswers, answer: Answer) -> None:
    content, parent = answer.content, _parent(answer.file)
    match answer.call:
        case "list-roots":
            gathered.root_id = content.roots[0].id
        case "list-accounts":
            gathered.accounts = [*(gathered.accounts or ()), *content.accounts]
        case "list-organizational-units-for-parent":
            gathered.units.setdefault(parent, []).extend(content.organizational_units)
        case "list-accounts-for-parent":
            gathered.placed.setdefault(parent, []).extend(each.id for each in content.accounts)
        case "list-children":
            children = (each.id for each in content.children if each.type == "ACCOUNT")
            gathered.placed.setdefault(parent, []).extend(children)
        case "list-aws-service-access-for-organization":
            principals = [each.service_principal for each in content.enabled_service_principals]
            gathered.service_principals = [*(gathered.service_principals or ()), *principals]


def _parent(file: Path) -> str | None:
    """The parent that a call was asked for, where the file's name says one behind a dot."""
    found = _PARENT.search(file.name.partition(".")[2])
    return found.group() if found else None
