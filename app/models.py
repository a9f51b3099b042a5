"""All tables, imported for migrations."""

from app.alerts import models as alerts
from app.audit import models as audit
from app.compute import models as compute
from app.identity import models as identity
from app.inventory import models as inventory
from app.kernel.database import probe
from app.kernel.tables import metadata
from app.licensing import models as licensing
from app.linking import models as linking
from app.organizations import models as organizations
from app.roles import models as roles
from app.sharing import models as sharing

__all__ = [
    "alerts",
    "audit",
    "compute",
    "identity",
    "inventory",
    "licensing",
    "linking",
    "metadata",
    "organizations",
    "probe",
    "roles",
    "sharing",
]
