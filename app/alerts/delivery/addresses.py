"""Which addresses alerts may be sent to: public ones, unless the setting says otherwise."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence

from app.alerts.delivery.failures import Undelivered

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, as text."""

NOT_PUBLIC = "The host of the webhook has an address that is not public."
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_EMBEDDING = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))


async def resolve(host: str, port: int) -> list[str]:
    """Ask the machine's resolver; raises Undelivered."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Undelivered("The host of the webhook has no address.") from None
    return list(dict.fromkeys(str(address[4][0]) for address in found))


def is_public(text: str) -> bool:
    """Whether an address is out on the internet, also behind what carries IPv4 in IPv6."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        inner = _inner(address)
        if inner is not None:
            return is_public(str(inner))
        return address.is_global and address in _GLOBAL_UNICAST
    return address.is_global and not address.is_multicast


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if any(address in network for network in _EMBEDDING):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def is_address(host: str) -> bool:
    """Whether a host is an address and not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
