"""Webhooks by the Standard Webhooks specification, sent to the very address that was checked.

The host is resolved once for an attempt, its addresses are checked, and the connection goes to one of them: a name that
resolves to something else a moment later changes nothing. The certificate is checked against the name.
"""

import ssl
from collections.abc import Mapping
from datetime import datetime

import httpx2
from standardwebhooks import Webhook

from app.alerts.delivery.addresses import NOT_PUBLIC, Resolve, is_public, resolve
from app.alerts.delivery.failures import Undelivered

MOST_ADDRESSES = 4


class Webhooks:
    """Sends to endpoints. Proxies of the environment are not used, redirects not followed, answers not read."""

    def __init__(self, *, allow_private: bool, seconds: float, resolver: Resolve = resolve) -> None:
        self._allow_private = allow_private
        self._resolve = resolver
        # A connection is proof of the name that it was made for, not of another at the same address: none is kept.
        self._client = httpx2.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            timeout=seconds,
            verify=ssl.create_default_context(),
            limits=httpx2.Limits(max_keepalive_connections=0),
        )

    async def send(self, url: str, secret: str, delivery_id: str, body: str, now: datetime) -> None:
        """One attempt; raises Undelivered. The receiver tells repetitions by `webhook-id`."""
        headers = {
            "content-type": "application/json",
            "user-agent": "Tollgate",
            "webhook-id": delivery_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(delivery_id, now, body),
        }
        target = httpx2.URL(url)
        if target.scheme != "https" and not self._allow_private:
            raise Undelivered("Webhooks are sent by https alone.")
        _judge(await self._post(target, body, headers))

    async def _post(self, target: httpx2.URL, body: str, headers: Mapping[str, str]) -> int:
        """The status of the answer, from the first of the host's addresses that takes a connection."""
        host = target.raw_host.decode("ascii")
        port = target.port or (443 if target.scheme == "https" else 80)
        addresses = await self._resolve(host, port)
        if not self._allow_private and not all(map(is_public, addresses)):
            raise Undelivered(NOT_PUBLIC)
        failure = Undelivered("The host of the webhook has no address.")
        for address in addresses[:MOST_ADDRESSES]:
            try:
                async with self._client.stream(
                    "POST",
                    target.copy_with(host=address, fragment=None),
                    content=body.encode(),
                    headers={"host": target.netloc.decode("ascii"), **headers},
                    extensions={"sni_hostname": host},
                ) as answer:
                    return answer.status_code
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failure = Undelivered(_unreached(error))
            except httpx2.TimeoutException:
                raise Undelivered("The endpoint did not answer in time.") from None
            except httpx2.HTTPError:
                raise Undelivered("The endpoint broke off the connection, or does not speak HTTP.") from None
        raise failure


def _judge(status: int) -> None:
    if 200 <= status < 300:
        return
    if status == 410:
        raise Undelivered("The endpoint answered 410: it wants no more. The channel was disabled.", gone=True)
    if 300 <= status < 400:
        raise Undelivered(f"The endpoint answered {status}; redirects are not followed.")
    raise Undelivered(f"The endpoint answered {status}.")


def _unreached(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "The endpoint has no certificate that is valid for its name."
        cause = cause.__cause__ or cause.__context__
    return "The endpoint takes no connection."
