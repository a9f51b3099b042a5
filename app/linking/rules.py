"""The rules of settings and of work across accounts (ST, RG, RO-6), without I/O."""

from enum import StrEnum


class DataCatalog(StrEnum):
    """Where inventory data of the organization can be queried (TR-1)."""

    ATHENA_MANAGED = "ATHENA_MANAGED"
    GLUE = "GLUE"
