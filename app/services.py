"""Every slice's service, imported so that each follows what happens in the others; for doors that are not the API."""

from app.compute import tagging as compute
from app.licensing import configurations as licensing
from app.linking import service as linking
from app.organizations import service as organizations
from app.roles import service as roles
from app.sharing import service as sharing

__all__ = ["compute", "licensing", "linking", "organizations", "roles", "sharing"]
