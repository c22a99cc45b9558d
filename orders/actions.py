"""What staff do on the orders page: change the status, or the courier, of one order or of many at once."""

import json
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from orders import services
from orders.models import Order
from orders.steps import StepRefused
from orders.views import staff_only

MAX_ORDERS = 200
SOURCE = "orders page"


@require_POST
@staff_only
def act(request: HttpRequest) -> HttpResponse:
    """`{"orders":[id], "status": "Packed"}`, `"courier"` (null: no one), or both, for at most 200 orders.

    Each order is changed by itself. Answers which are done and which refused, and why, with the steps that are allowed;
    409 where none could be changed.
    """
    if not request.user.has_perm("orders.change_order"):
        raise PermissionDenied("You may look at the orders, not change them.")
    try:
        ids, said = asked(request.body)
    except ValueError as error:
        return JsonResponse({"detail": str(error)}, status=400)
    done: list[str] = []
    refused: list[dict[str, Any]] = []
    for id in ids:
        try:
            services.change_order(id, said, request.user.get_username(), source=SOURCE)
        except Order.DoesNotExist:
            refused.append({"orderId": id, "reason": "There is no such order, or it was deleted.", "allowed": []})
        except StepRefused as error:
            refused.append({"orderId": id, "reason": str(error), "allowed": list(error.allowed)})
        except ValueError as error:
            refused.append({"orderId": id, "reason": str(error), "allowed": []})
        else:
            done.append(id)
    return JsonResponse({"done": done, "refused": refused}, status=200 if done else 409)


def asked(body: bytes) -> tuple[list[str], dict[str, Any]]:
    """The orders and the change that a body asks for; raises ValueError, naming what is wrong."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("The body is no JSON.") from None
    ids = value.get("orders") if isinstance(value, dict) else None
    if not isinstance(ids, list) or not ids or not all(isinstance(id, str) for id in ids):
        raise ValueError("orders takes a list of order ids.")
    if len(ids) > MAX_ORDERS:
        raise ValueError(f"There are {len(ids)} orders; at most {MAX_ORDERS} are changed at once.")
    said = {name: value[name] for name in ("status", "courier") if name in value}
    if not said or not isinstance(said.get("status", ""), str) or not isinstance(said.get("courier", ""), str | None):
        raise ValueError("status takes a text, courier a name or null; at least one of them.")
    return list(dict.fromkeys(ids)), said
