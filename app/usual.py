"""What holds where an account chooses nothing itself: the settings of whoever runs this process."""

from app.licensing.thresholds import set_usual_thresholds
from app.linking.schedule import set_usual_schedule
from app.settings import Settings


def follow(settings: Settings) -> None:
    """Have new accounts and license configurations begin as the settings say."""
    set_usual_schedule(settings.inventory_sync_schedule)
    set_usual_thresholds(settings.alert_thresholds)
