"""What a launch asks for, whichever transport it came by."""

import hashlib
from dataclasses import dataclass

import orjson

from app.compute.rules import LaunchMechanism, Tenancy
from app.kernel.errors import invalid
from app.kernel.ids import check_text
from app.kernel.regions import region as known_region

MOST_INSTANCES = 1_000
MOST_CONFIGURATIONS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchCommand:
    """A launch of `count` equal instances. Keys are of objects that may turn out not to exist."""

    account_id: str
    region: str
    image_key: int | None
    template_key: int | None
    instance_type: str | None
    count: int
    tenancy: Tenancy | None
    host_key: int | None
    core_count: int | None
    threads_per_core: int | None
    configuration_keys: tuple[int, ...]
    mechanism: LaunchMechanism | None
    tags: tuple[tuple[str, str], ...]
    client_token: str | None

    def check(self) -> None:
        """Refuse what is out of bounds before anything is looked up."""
        known_region(self.region, "input", "region")
        if not 1 <= self.count <= MOST_INSTANCES:
            raise invalid(f"A launch has 1 to {MOST_INSTANCES} instances.", "input", "count", rule="API-3")
        if self.client_token is not None:
            check_text(self.client_token, "The client token", 64, "input", "clientToken")
        if len(self.configuration_keys) > MOST_CONFIGURATIONS:
            raise invalid(
                f"A launch names at most {MOST_CONFIGURATIONS} license configurations.",
                "input",
                "licenseConfigurationIds",
                rule="API-3",
            )
        if self.mechanism is LaunchMechanism.DISCOVERED:
            raise invalid("DISCOVERED is for what was found running.", "input", "mechanism", rule="EN-9")
        if self.mechanism is LaunchMechanism.LAUNCH_TEMPLATE and self.template_key is None:
            raise invalid("This mechanism takes a launch template.", "input", "launchTemplateId", rule="EN-9")

    def fingerprint(self) -> str:
        """What tells whether the same client token comes with the same parameters (EN-12)."""
        asked = {
            name: getattr(self, name)
            for name in self.__dataclass_fields__
            if name not in ("client_token", "account_id")
        }
        return hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()
