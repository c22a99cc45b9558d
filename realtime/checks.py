"""What can be wrong with the servers, judged from facts: Django's system checks and `doctor` say the same words.

`manage.py check --tag servers` asks Kafka and Redis; no other run of the checks needs them. The judgements
(`judge_topics`, `judge_redis`, `judge_clock`) do no I/O.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Warning

from realtime.kafka_settings import KafkaAway, dead_letter_topic
from realtime.state import StateAway
from realtime.state.server import RedisFacts, facts
from realtime.streams import streams
from realtime.topics import TopicFacts, Topics, config_of

TAG = "servers"
KAFKA_AWAY, REDIS_AWAY = "realtime.E001", "realtime.E002"
TOPIC_MISSING, EVICTS = "realtime.E003", "realtime.E004"
PARTITIONS_DIFFER, NOT_APPEND_TIME, SMALL_MESSAGES = "realtime.W001", "realtime.W002", "realtime.W003"
NOT_KEPT, CLOCKS_DIFFER, NEARLY_FULL = "realtime.W004", "realtime.W005", "realtime.W006"
UNSAVED = "realtime.W007"

SKEW_MS = 2_000
"""A page calls itself live while what comes is less than 2 s old by the server's clock: no clock may be further off."""
FULL = 0.8
CREATE = "Run `manage.py kafka_topics`."
ALTER = "Run `manage.py kafka_topics --alter`."
KAFKA_WAIT_S = 5.0


def judge_topics(wanted: Sequence[str], found: Mapping[str, TopicFacts]) -> list[CheckMessage]:
    """Topics that are missing, differ from each other, or keep other times and sizes than ours need."""
    names = [name for topic in wanted for name in (topic, dead_letter_topic(topic))]
    missing = [name for name in names if name not in found]
    problems: list[CheckMessage] = []
    if missing:
        what = f"Kafka has no topic {', '.join(missing)}."
        problems.append(Error(what, hint=CREATE, id=TOPIC_MISSING))
    counts = {name: found[name].partitions for name in wanted if name in found}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        most = max(counts.values())
        hint = f"Workers share evenly where all have as many: `manage.py kafka_topics --alter --partitions {most}`."
        problems.append(Warning(f"The topics differ in partitions: {told}.", hint=hint, id=PARTITIONS_DIFFER))
    for name in names:
        if name in found:
            problems += _judge_config(name, found[name].config)
    return problems


def _judge_config(name: str, config: Mapping[str, str]) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    kind = config.get("message.timestamp.type", "")
    if kind != "LogAppendTime":
        what = f"{name} has message.timestamp.type={kind or 'CreateTime'}; it must be LogAppendTime."
        hint = f"Else a sender whose clock runs ahead freezes an order. {ALTER}"
        problems.append(Warning(what, hint=hint, id=NOT_APPEND_TIME))
    wanted = config_of(name)["max.message.bytes"]
    size = config.get("max.message.bytes", "")
    if size.isdecimal() and int(size) < int(wanted):
        what = f"{name} has max.message.bytes={size}; it must be at least {wanted}."
        problems.append(Warning(what, hint=ALTER, id=SMALL_MESSAGES))
    return problems


def judge_redis(found: RedisFacts) -> list[CheckMessage]:
    """A Redis that may throw state away, keeps none over a restart, or is nearly full."""
    problems: list[CheckMessage] = []
    if found.maxmemory and found.policy != "noeviction":
        what = f"Redis has maxmemory-policy={found.policy}; it must be noeviction."
        hint = "Redis holds state, not only a cache: `CONFIG SET maxmemory-policy noeviction`, and in redis.conf."
        problems.append(Error(what, hint=hint, id=EVICTS))
    elif found.policy != "noeviction":
        what = f"Redis has maxmemory-policy={found.policy}; it must be noeviction before anybody sets maxmemory."
        problems.append(Warning(what, hint="`CONFIG SET maxmemory-policy noeviction`, and in redis.conf.", id=EVICTS))
    if not found.keeps:
        what = "Redis keeps no append-only file: after a restart the state is rebuilt from the database and Kafka."
        hint = "`CONFIG SET appendonly yes`, and in redis.conf; pages are then back at once."
        problems.append(Warning(what, hint=hint, id=NOT_KEPT))
    if found.unsaved:
        what = "Redis could not write to its disk the last time it tried; it may refuse changes until it can."
        problems.append(Warning(what, hint="Look at the disk's space and rights, and at Redis' log.", id=UNSAVED))
    if found.maxmemory and found.used > FULL * found.maxmemory:
        what = f"Redis uses {found.used} of maxmemory={found.maxmemory} bytes; when it is full nothing is written."
        problems.append(Warning(what, hint="Give it more memory, or lower ORDER_KEEP_HOURS.", id=NEARLY_FULL))
    return problems


def judge_clock(server: str, ahead_ms: float, doubt_ms: float = 0) -> list[CheckMessage]:
    """`ahead_ms`: how far the server's clock is ahead of ours; `doubt_ms`: how much of it the network may have made."""
    if abs(ahead_ms) - doubt_ms <= SKEW_MS:
        return []
    way = "ahead of" if ahead_ms > 0 else "behind"
    what = f"The clock of {server} is {abs(ahead_ms) / 1000:.1f} s {way} this machine's; at most {SKEW_MS / 1000:g} s."
    return [Warning(what, hint="Let NTP (chrony, systemd-timesyncd) set both clocks.", id=CLOCKS_DIFFER)]


def check_kafka(**_: Any) -> list[CheckMessage]:
    """Asks the brokers that the settings name."""
    wanted = [stream.topic for stream in streams()]
    try:
        topics = Topics(KAFKA_WAIT_S)
        try:
            found = topics.facts([name for topic in wanted for name in (topic, dead_letter_topic(topic))])
            newest = topics.newest_ms([name for name in wanted if name in found])
        finally:
            topics.close()
    except KafkaAway as error:
        hint = "Look at KAFKA_BOOTSTRAP_SERVERS, and at KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_* and KAFKA_SSL_*."
        return [Error(str(error), hint=hint, id=KAFKA_AWAY)]
    # Kafka tells its time only by what it took: that it is behind cannot be told from a silence.
    ahead = max(0.0, newest - time.time() * 1000) if newest else 0.0
    return judge_topics(wanted, found) + judge_clock("Kafka", ahead)


def check_redis(**_: Any) -> list[CheckMessage]:
    """Asks the Redis that the settings name."""
    before = time.time() * 1000
    try:
        found = facts()
    except StateAway as error:
        return [Error(str(error), hint="Look at REDIS_URL: address, password, redis:// or rediss://.", id=REDIS_AWAY)]
    after = time.time() * 1000
    return judge_redis(found) + judge_clock("Redis", found.now_ms - (before + after) / 2, (after - before) / 2)
