"""The settings of the app, as its pure modules take them."""

from django.conf import settings

from orders.eta import EtaRules
from orders.filters import Rules
from orders.public import Sight
from orders.routing import road


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


def sight() -> Sight:
    """By what the public sees an order and its courier."""
    eta = EtaRules(road_factor=settings.ETA_ROAD_PERCENT / 100, usual_m_s=settings.ETA_USUAL_KMH / 3.6)
    return Sight(grid_m=settings.PUBLIC_GRID_M, eta=eta, road=road())


def near() -> dict[str, int]:
    """From how many metres a courier is arriving, and has arrived."""
    return {"arriving": settings.ARRIVING_M, "arrived": settings.ARRIVED_M}
