"""Pages of a list by a cursor: where the last page ended, so that nothing comes twice."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import NamedTuple

from django.db.models import Q, QuerySet
from msgspec import DecodeError
from msgspec.json import decode, encode

from orders.models import Order
from orders.state import OrderState


class Page(NamedTuple):
    """The last order of a page: its time in Unix ms and its id. Without an id: the first page."""

    time: int = 0
    order_id: str = ""

    def __str__(self) -> str:
        return urlsafe_b64encode(encode(self)).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> "Page | None":
        """A page from its cursor; None where the text is none."""
        if not text:
            return cls()
        try:
            padded = text.encode() + b"=" * (-len(text) % 4)
            return decode(urlsafe_b64decode(padded), type=cls)
        except (DecodeError, ValueError):
            return None


def page_of(orders: QuerySet[Order], after: Page, limit: int) -> Sequence[Order]:
    """The orders that follow a page, the newest change first; one more than `limit` where there are more pages."""
    if after.order_id:
        orders = orders.filter(Q(timestamp__lt=after.time) | Q(timestamp=after.time, order_id__gt=after.order_id))
    return list(orders.order_by("-timestamp", "order_id")[: limit + 1])


def cut(found: Sequence[OrderState], limit: int) -> tuple[Sequence[OrderState], str | None]:
    """A page, and the cursor of the next one."""
    page = found[:limit]
    return page, str(Page(page[-1].timestamp, page[-1].order_id)) if len(found) > limit else None
