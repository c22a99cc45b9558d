"""Who may see the logs: staff with the permission to view log streams."""

from typing import Any

PERMISSION = "logs.view_logstream"


def may_view(user: Any) -> bool:
    return bool(user.is_active and user.is_staff and user.has_perm(PERMISSION))
