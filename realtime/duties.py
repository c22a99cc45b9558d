"""What one worker of all does now and then: duties of the streams, on a thread beside the archive worker's loop."""

import logging
import threading
import time
from collections.abc import Sequence

from django.db import Error as DatabaseError
from django.db import connection

from realtime.api import Duty
from realtime.policy import Every
from realtime.state.connection import StateAway
from realtime.state.duties import Turns

logger = logging.getLogger("realtime.worker")

LOOK_S = 0.5


class Duties:
    """Does those duties whose lock this process holds, each when it is due. Nothing in the worker waits for them."""

    def __init__(self, duties: Sequence[Duty]) -> None:
        self._due = [(duty, Every(duty.every_s)) for duty in duties]
        self._complain = Every(60)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="duties", daemon=True)

    def start(self) -> None:
        if self._due:
            self._thread.start()

    def stop(self, wait_s: float = 5.0) -> None:
        """Lets another process take over at once."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(wait_s)

    def _run(self) -> None:
        turns = Turns()
        while not self._stop.wait(LOOK_S):
            for duty, due in self._due:
                if due.due(time.monotonic()):
                    self._do(duty, turns)
        for duty, _ in self._due:
            turns.leave(duty.name)
        connection.close()

    def _do(self, duty: Duty, turns: Turns) -> None:
        """One that fails is told, and done again when it is next due: nobody would miss a duty that fell silent."""
        try:
            if turns.mine(duty.name):
                duty.do(time.time())
        except (StateAway, DatabaseError) as error:
            connection.close()
            if self._complain.due(time.monotonic()):
                logger.warning("The duty %s waits (%s).", duty.name, error)
        except Exception:
            if self._complain.due(time.monotonic()):
                logger.exception("The duty %s failed; it is tried again.", duty.name)
