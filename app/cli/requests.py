"""HTTP requests as uvicorn reads them, and those that offer HTTP/2 besides, as every Java client does."""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

OFFER = (b"upgrade", b"http2-settings")


class DecliningProtocol(HttpToolsProtocol):
    """An offer to go on in another protocol than WebSocket is declined by answering the request (RFC 9110, 7.8).

    The parser takes the body of such a request for the other protocol, and uvicorn drops it. Here the request is read
    once more, without the offer.
    """

    def data_received(self, data: bytes) -> None:
        """Read; after a head that ends in an offer, the head without it and what follows."""
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
            elif self._offered():
                head = self._head_without_offer()
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
                self.data_received(head + data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")

    def on_headers_complete(self) -> None:
        """A request with an offer starts when it is read without."""
        if not self._offered():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """As on_headers_complete."""
        if not self._offered():
            super().on_message_complete()

    def _offered(self) -> bool:
        if not self.parser.should_upgrade() or self._should_upgrade():
            return False
        return any(name == b"upgrade" for name, _ in self.headers)

    def _head_without_offer(self) -> bytes:
        line = b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        kept = [
            name + b": " + (_without_offer(value) if name == b"connection" else value)
            for name, value in self.headers
            if name not in OFFER
        ]
        return b"\r\n".join((line, *kept, b"", b""))


def _without_offer(connection: bytes) -> bytes:
    options = [option.strip() for option in connection.split(b",")]
    return b", ".join(option for option in options if option.lower() not in OFFER)
