"""The operations that are served: each takes a call, asks the slices and answers by its output shape."""

from app.aws.operations import associations, configurations, inventory, settings, specifications, tags

__all__ = ["associations", "configurations", "inventory", "settings", "specifications", "tags"]
