"""Whose turn a duty is: a lock in Redis, renewed by its holder, that another process takes once it has run out."""

import contextlib
import secrets

from realtime.state.connection import AWAY, StateAway, client, lua, names

LOCK_MS = 10_000


class Turns:
    """The duties of this process. A holder that hangs may be overtaken: what a duty writes must bear two at once."""

    def __init__(self) -> None:
        self._holder = secrets.token_hex(8)
        self._lock = client().register_script(lua("duty"))

    def mine(self, duty: str) -> bool:
        """Whether the duty is this process's, for LOCK_MS from now. Raises StateAway."""
        try:
            return bool(self._lock(keys=[names().duty + duty], args=[self._holder, LOCK_MS]))
        except AWAY as error:
            raise StateAway(f"Redis does not answer ({error}).") from error

    def leave(self, duty: str) -> None:
        """Lets another process take the duty at once."""
        with contextlib.suppress(*AWAY):
            self._lock(keys=[names().duty + duty], args=[self._holder, 0])
