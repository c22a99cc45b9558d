"""Who may see the logs: staff with the permission to view log streams, and of a stream with groups its groups alone."""

from typing import Any

from django.db.models import Q

from logs.models import LogStream
from logs.window import OTHER

PERMISSION = "logs.view_logstream"


def may_view(user: Any) -> bool:
    return bool(user.is_active and user.is_staff and user.has_perm(PERMISSION))


def hidden_from(user: Any) -> frozenset[str]:
    """The services whose lines and counts this user may not see.

    Lines of many services are counted together as `other`: who may not see all of them does not see that sum.
    """
    if user.is_superuser:
        return frozenset()
    closed = LogStream.objects.filter(groups__isnull=False).exclude(Q(groups__in=user.groups.all()))
    hidden = frozenset(closed.values_list("service", flat=True))
    return hidden | {OTHER} if hidden else hidden
