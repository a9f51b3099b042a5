"""GraphiQL, served from the package itself: it needs no other host."""

import hashlib
import html
import json
from functools import cache
from importlib import resources
from pathlib import Path
from string import Template
from typing import Final

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

_HERE: Final = Path(str(resources.files(__package__)))
_STATIC: Final = _HERE / "static"
# Relative to the page, so that it works behind a proxy that adds a prefix; the mount is at assets/ below the page.
_BASE: Final = "graphql/assets"
_STYLES: Final = ("vendor/graphiql.min.css", "vendor/explorer.css", "start.css")
# In the order in which they need one another.
_SCRIPTS: Final = (
    "vendor/react.production.min.js",
    "vendor/react-dom.production.min.js",
    "vendor/graphiql.min.js",
    "vendor/graphql-ws.min.js",
    "vendor/explorer.min.js",
    "start.js",
)

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    # The page can hold a token.
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""The response headers that the page must be sent with."""


def page(*, token: str | None) -> str:
    """The page as HTML, with the token in its box where one is given, as on a demo server."""
    return _template().substitute(configuration=_embed({"token": token, "queries": queries()}))


@cache
def queries() -> tuple[str, ...]:
    """The documents that GraphiQL opens with, one a tab."""
    return tuple(path.read_text("utf-8") for path in sorted((_HERE / "queries").glob("*.graphql")))


def assets() -> ASGIApp:
    """The page's files, to be mounted under the page's path at /assets."""
    return GZipMiddleware(_Assets(directory=_STATIC), compresslevel=6)


class _Assets(StaticFiles):
    """Files whose address changes with their content, so that a browser asks for each once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["X-Content-Type-Options"] = "nosniff"
        if response.status_code < 400:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


@cache
def _template() -> Template:
    """The page but for what differs between servers."""
    page = Template((_HERE / "page.html").read_text("utf-8"))
    links = "\n".join(f'    <link rel="stylesheet" href="{_address(name)}">' for name in _STYLES)
    scripts = "\n".join(f'    <script defer src="{_address(name)}"></script>' for name in _SCRIPTS)
    return Template(page.safe_substitute(links=links, scripts=scripts))


def _address(name: str) -> str:
    digest = hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:16]
    return html.escape(f"{_BASE}/{name}?v={digest}")


def _embed(value: object) -> str:
    """JSON that can't end the script element it stands in."""
    text = json.dumps(value)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
