"""Who calls: an API token or a provider's token becomes a Viewer, or Unauthenticated, which never says why."""

import hashlib

from app.identity.last_use import LastUse
from app.identity.lookups import Lookups
from app.identity.oidc import Oidc
from app.identity.rules import TOKEN_PREFIX, bearer, digest_of, is_token, principal_arn, user_name_of
from app.kernel.database import Database
from app.kernel.errors import Unauthenticated
from app.kernel.ids import node_id
from app.kernel.viewer import Permission, Viewer
from app.organizations.service import account_exists


class Authenticator:
    """Authenticates the callers of one server. Every call reads the database anew, so a revocation holds at once."""

    def __init__(self, database: Database, oidc: Oidc | None = None) -> None:
        self._database = database
        self._oidc = oidc
        self._lookups = Lookups(database)
        self._last_use = LastUse(database)

    async def authenticate(self, authorization: str | None) -> Viewer:
        """The caller of an Authorization header; raises Unauthenticated, or Unavailable where nobody can tell."""
        credential = bearer(authorization)
        if credential is None:
            raise Unauthenticated
        if credential.startswith(TOKEN_PREFIX):
            return await self._by_token(credential)
        if self._oidc is None:
            raise Unauthenticated
        return await self._by_provider(self._oidc, credential)

    async def settle(self) -> None:
        """Write what is still to be kept; for the end of the server."""
        await self._last_use.settle()

    async def _by_token(self, secret: str) -> Viewer:
        found = await self._lookups.find(digest_of(secret)) if is_token(secret) else None
        now = self._database.clock.now()
        if found is None or not found.valid_at(now):
            raise Unauthenticated
        self._last_use.note(found.key, found.last_used_at, now)
        return Viewer(
            account_id=found.account_id,
            principal_arn=principal_arn(found.account_id, found.name),
            permission=Permission(found.permission),
            principal_name=found.name,
            credential_id=node_id("token", found.key),
        )

    async def _by_provider(self, oidc: Oidc, token: str) -> Viewer:
        claims = await oidc.claims(token)
        if not await self._database.read(lambda connection: account_exists(connection, claims.account_id)):
            raise Unauthenticated
        name = user_name_of(claims.subject)
        return Viewer(
            account_id=claims.account_id,
            principal_arn=principal_arn(claims.account_id, name),
            permission=claims.permission,
            principal_name=name,
            credential_id="oidc_" + hashlib.sha256(f"{oidc.issuer} {claims.subject}".encode()).hexdigest()[:16],
        )
