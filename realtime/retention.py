"""What the machine keeps no longer than needed: sessions that have ended."""

from datetime import datetime

from django.apps import apps


def prune(now: datetime) -> dict[str, int]:
    """Counts of what was deleted."""
    if not apps.is_installed("django.contrib.sessions"):
        return {}
    return {"ended sessions": apps.get_model("sessions", "Session").objects.filter(expire_date__lt=now).delete()[0]}
