"""Whether the server lives, and whether it can do its work."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.kernel.database import Database


class Health:
    """The two questions that a supervisor asks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def live(self, _: Request) -> Response:
        """The process answers."""
        return JSONResponse({"status": "live"})

    async def ready(self, _: Request) -> Response:
        """The database takes writes: asked by writing, so that a full disk shows too."""
        if await self._database.writable():
            return JSONResponse({"status": "ready", "database": self._database.describe()})
        return JSONResponse(
            {"status": "not ready", "reason": "the database does not take writes"}, 503, {"Retry-After": "1"}
        )
