"""Feeds: one reader for all subscribers who ask the same, and nothing lost, repeated or held without end (AL-2)."""

from app.kernel.feeds.feed import KEPT, PAGE, Event, Feed, Read
from app.kernel.feeds.follower import Follower, Sleeper
from app.kernel.feeds.hub import Hub, hub_of

__all__ = ["KEPT", "PAGE", "Event", "Feed", "Follower", "Hub", "Read", "Sleeper", "hub_of"]
