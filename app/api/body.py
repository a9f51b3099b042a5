"""Reads a request's body, no larger and no longer than may be."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from app.api.envelope import BadEnvelope
from app.api.limits import Limits


async def read_body(request: Request, limits: Limits) -> bytes:
    """The whole body; BadEnvelope for one that is too large (413), too slow (408) or cut off."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > limits.body:
        raise _too_large(limits)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limits.body:
                    raise _too_large(limits)
    except TimeoutError:
        raise BadEnvelope(f"The body did not come within {limits.body_seconds:g} s.", 408) from None
    except ClientDisconnect:
        raise BadEnvelope("The body was cut off.") from None
    return bytes(body)


def _too_large(limits: Limits) -> BadEnvelope:
    return BadEnvelope(f"The body is larger than {limits.body} bytes.", 413)
