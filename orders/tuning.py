"""The settings of the app, as its pure modules take them."""

from django.conf import settings

from orders.filters import Rules


def keep_ms() -> int:
    """How long orders that are over stay in Redis."""
    return int(settings.ORDER_KEEP_HOURS) * 3_600_000


def rules() -> Rules:
    """By which fixes are judged."""
    return Rules(
        zero_m=settings.POSITION_ZERO_M,
        worst_accuracy_m=settings.POSITION_WORST_ACCURACY_M,
        duplicate_m=settings.POSITION_DUPLICATE_M,
        trail_ms=settings.POSITION_TRAIL_S * 1000,
        future_ms=settings.POSITION_FUTURE_S * 1000,
        fastest_m_s=settings.POSITION_FASTEST_KMH / 3.6,
        believed_after=settings.POSITION_BELIEVED_AFTER,
        standstill_m=settings.POSITION_STANDSTILL_M,
    )
