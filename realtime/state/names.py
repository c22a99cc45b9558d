"""The names of our Redis keys (protocol: the table "Redis") and the forms of epochs and their fields (pure)."""

import secrets
from typing import NamedTuple

CHANGED_KEEP = 10_000
"""Ids kept per group by the seq that last changed them: what a returning viewer can be told without a snapshot."""


SHAPE = 1
"""Of the machine's own keys. One more where a release cannot read what the one before it wrote; see `Life`."""
MACHINE = "*"
"""Its field among the shapes of the topics, whose names hold no such sign."""


class Names(NamedTuple):
    """Every key of the stream machine, under one prefix."""

    prefix: str

    def key(self, name: str) -> str:
        return self.prefix + name

    @property
    def epoch(self) -> str:
        return self.prefix + "stream:epoch"

    @property
    def shape(self) -> str:
        """In which shape the state was written: of the machine's keys, and of each topic's."""
        return self.prefix + "stream:shape"

    @property
    def lock(self) -> str:
        return self.prefix + "stream:rebuild"

    @property
    def applied(self) -> str:
        return self.prefix + "stream:applied"

    @property
    def malformed(self) -> str:
        return self.prefix + "stream:malformed"

    @property
    def ends(self) -> str:
        return self.prefix + "stream:ends"

    @property
    def seq(self) -> str:
        return self.prefix + "stream:seq"

    @property
    def changed(self) -> str:
        return self.prefix + "stream:changed:"

    @property
    def expiries(self) -> str:
        return self.prefix + "stream:expiries"

    @property
    def workers(self) -> str:
        return self.prefix + "stream:workers"

    @property
    def reach(self) -> str:
        """The ends of the topics' partitions as the live workers last heard of them."""
        return self.prefix + "stream:reach"

    @property
    def heard(self) -> str:
        """When each of them was heard, in Unix seconds."""
        return self.prefix + "stream:heard"

    @property
    def duty(self) -> str:
        """In front of a duty's name: the lock of the process that does it."""
        return self.prefix + "stream:duty:"

    @property
    def vitals(self) -> str:
        """What each process says of itself."""
        return self.prefix + "stream:vitals"

    @property
    def nudge(self) -> str:
        return self.prefix + "outbox:nudge"


def field(topic: str, partition: int) -> str:
    return f"{topic}:{partition}"


def new_epoch(run_id: str) -> str:
    """A new life of the state on the server with this run_id: `random:run_id`."""
    return f"{secrets.token_hex(6)}:{run_id}"


def epoch_of(stored: str) -> str:
    """The part of a stored epoch that cursors carry."""
    return stored.partition(":")[0]


def run_id_of(stored: str) -> str:
    return stored.partition(":")[2]
