"""What the service needs to know to take a channel: how secrets are kept, and what may be delivered to."""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from app.kernel.database import Database
from app.kernel.sealing import Sealer
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Setup:
    """Of one server."""

    sealer: Sealer
    private_addresses: bool
    mail: bool


_setups: WeakKeyDictionary[Database, Setup] = WeakKeyDictionary()


def set_up(database: Database, settings: Settings) -> None:
    """Note the settings of a server, once, when it is put together."""
    _setups[database] = Setup(
        Sealer.of(settings), settings.webhook_allow_private_addresses, settings.smtp_host is not None
    )


def setup_of(database: Database) -> Setup:
    """Those of the server that has this database."""
    return _setups[database]
