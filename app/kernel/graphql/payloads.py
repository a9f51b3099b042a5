"""Payloads that several slices answer with."""

import strawberry

from app.kernel.graphql.perform import Payload


@strawberry.type
class DeletePayload(Payload):
    deleted_id: strawberry.ID | None = None
