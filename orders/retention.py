"""What of orders ends by itself: trails. Orders and their events are kept for ever."""

from collections.abc import Mapping
from datetime import datetime

from orders import trails


def prune(now: datetime) -> Mapping[str, int]:
    """Deletes what is older than its setting says; counts by what they count."""
    return {"trail points": trails.prune(now)}
