"""How many licenses a resource consumes, and which license rules it breaks (EN-4, LC-2, LC-3, LC-4), without I/O."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.compute.rules import ResourceType, Tenancy
from app.kernel.errors import RuleViolated
from app.licensing.rules import CountingType

RULE_NAMES = {CountingType.VCPU: "Vcpus", CountingType.CORE: "Cores", CountingType.SOCKET: "Sockets"}
_UNITS = {CountingType.VCPU: "vCPUs", CountingType.CORE: "cores", CountingType.SOCKET: "sockets"}


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be licensed, as counting sees it.

    `vcpus` and `cores` are an instance's as customised, a host's physical ones, or what a managed instance reported;
    `default_*` those of an instance's type. `sockets` are a host's own, or of the host that an instance runs on.
    """

    type: ResourceType
    vcpus: int | None
    cores: int | None
    sockets: int | None
    default_vcpus: int | None = None
    default_cores: int | None = None
    tenancy: Tenancy | None = None
    host_key: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a license configuration demands of each resource."""

    arn: str
    counting_type: CountingType
    minimum: int | None
    maximum: int | None
    honor_vcpu_optimization: bool
    allowed_tenancy: tuple[str, ...]


def measure(terms: Terms, subject: Subject) -> int | None:
    """The subject's size in the terms' metric; None where there is no figure to count by."""
    match terms.counting_type:
        case CountingType.INSTANCE:
            return 1
        case CountingType.SOCKET:
            return subject.sockets
        case CountingType.VCPU:
            return subject.vcpus if _as_customised(terms, subject) else subject.default_vcpus
        case CountingType.CORE:
            return subject.cores if _as_customised(terms, subject) else subject.default_cores


def _as_customised(terms: Terms, subject: Subject) -> bool:
    """LC-3: only an instance has a type with defaults; unless the customisation is honoured, they count."""
    return terms.honor_vcpu_optimization or subject.type is not ResourceType.INSTANCE or subject.default_cores is None


def broken_rules(terms: Terms, subject: Subject) -> list[RuleViolated]:
    """Every rule of the terms that the subject breaks; empty where it complies."""
    found = [*_tenancy(terms, subject)]
    size = measure(terms, subject)
    if size is None:
        return [*found, _no_figure(terms, subject)]
    if terms.counting_type is CountingType.INSTANCE:
        return found
    name, unit = RULE_NAMES[terms.counting_type], _UNITS[terms.counting_type]
    if terms.minimum is not None and size < terms.minimum:
        found.append(
            _violated(
                f"minimum{name}",
                str(terms.minimum),
                str(size),
                f"It has {size} {unit}; at least {terms.minimum} are required.",
            )
        )
    if terms.maximum is not None and size > terms.maximum:
        found.append(
            _violated(
                f"maximum{name}",
                str(terms.maximum),
                str(size),
                f"It has {size} {unit}; at most {terms.maximum} are allowed.",
            )
        )
    return found


def _tenancy(terms: Terms, subject: Subject) -> Sequence[RuleViolated]:
    """A host is its own tenancy; what runs outside EC2 has none, and is not judged by it."""
    if not terms.allowed_tenancy or subject.type is ResourceType.MANAGED_INSTANCE:
        return ()
    tenancy = Tenancy.DEDICATED_HOST if subject.type is ResourceType.DEDICATED_HOST else subject.tenancy
    if tenancy in terms.allowed_tenancy:
        return ()
    allowed = ", ".join(terms.allowed_tenancy)
    return (
        _violated(
            "allowedTenancy",
            allowed,
            str(tenancy),
            f"Its tenancy is {tenancy}; allowed is {allowed}.",
            rule="LC-4",
            remedy=f"Launch it with the tenancy {allowed.replace(', ', ' or ')}.",
        ),
    )


def _no_figure(terms: Terms, subject: Subject) -> RuleViolated:
    unit = _UNITS[terms.counting_type]
    if subject.type is ResourceType.MANAGED_INSTANCE:
        return _violated(
            unit.lower(),
            "reported",
            "not reported",
            f"Its inventory reports no {unit}, which this license configuration counts.",
            rule="EN-4",
            remedy=f"Report its {unit} with its inventory.",
        )
    return _violated(
        unit.lower(),
        Tenancy.DEDICATED_HOST,
        str(subject.tenancy),
        "Sockets are counted on Dedicated Hosts only, and it does not run on one.",
        rule="EN-4",
        remedy="Launch it on a Dedicated Host.",
    )


def _violated(
    license_rule: str, required: str, actual: str, message: str, *, rule: str = "LC-2", remedy: str | None = None
) -> RuleViolated:
    return RuleViolated(
        message=message,
        remedy=remedy or "Choose an instance type or CPU options within the license configuration's rules.",
        rule=rule,
        license_rule=license_rule,
        required=required,
        actual=actual,
    )


def level(consumed: int, license_count: int | None, thresholds: Sequence[int]) -> int:
    """How grave use is: 0, the highest threshold (percent of the count) that is reached, or EXCEEDED over the count."""
    if license_count is None:
        return 0
    if consumed > license_count:
        return EXCEEDED
    return max((each for each in thresholds if consumed and consumed * 100 >= each * license_count), default=0)


EXCEEDED = 101
"""The level of use over the count; above every percentage."""
