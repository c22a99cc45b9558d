"""Consumer groups as the brief teaches them, by the broker's own word: a queue within a group, all records to each."""

from realtime.producer import Producer
from tests.servers import wait_until
from tests.workers import Servers


def sizes(servers: Servers, group: str = "live") -> list[int]:
    """How many of the four partitions of `order-updates` each member holds; the broker's description of the group."""
    members = servers.members(group)
    shared = [number for numbers in members.values() for number in numbers]
    assert len(shared) == len(set(shared)), "two members hold one partition"
    return sorted((len(numbers) for numbers in members.values()), reverse=True)


def test_of_four_partitions_one_worker_holds_all_two_hold_two_four_hold_one_and_a_fifth_is_idle(servers):
    servers.fresh()
    for count, want in ((1, [4]), (2, [2, 2]), (4, [1, 1, 1, 1]), (5, [1, 1, 1, 1, 0])):
        while len(servers.workers) < count:
            servers.worker()
        wait_until(lambda want=want: sizes(servers) == want, 40)
    idle = next(member for member, numbers in servers.members().items() if not numbers)
    for topic in ("location-updates", "service-logs"):
        assert servers.members(topic=topic)[idle] == set(), "the fifth is idle on every topic"
    # whoever goes is replaced: by its word, or once its session is over
    servers.workers[0].stop()
    wait_until(lambda: sizes(servers) == [1, 1, 1, 1], 20)
    servers.workers[1].kill()
    wait_until(lambda: sizes(servers) == [2, 1, 1], 20)
    assert all(worker.alive for worker in servers.workers[2:])


def test_each_group_gets_every_record_and_the_workers_of_one_share_them(servers, settings):
    servers.fresh()
    settings.KAFKA_BOOTSTRAP_SERVERS = [servers.kafka.bootstrap]
    live = [servers.worker(), servers.worker()]
    archive = [servers.worker(group="archive"), servers.worker(group="archive")]
    for group in ("live", "archive"):
        wait_until(lambda group=group: sizes(servers, group) == [2, 2], 40)
    producer = Producer("tests", linger_ms=5)
    for n in range(2000):
        producer.send("order-updates", f"ORD-{n}", b'{"orderId":"ORD-%d","status":"Packed"}' % n)
    producer.flush(30)
    producer.close()
    with servers.client() as client:
        wait_until(lambda: client.zcard("orders:active") == 2000, 30)
    query = "from orders.models import OrderEvent; print(OrderEvent.objects.count())"
    wait_until(lambda: servers.python(query).strip() == "2000", 30)
    for workers in (live, archive):
        shares = [applied(worker) for worker in workers]
        assert sum(shares) == 2000, "each record once in each group"
        assert all(share > 500 for share in shares), f"not shared: {shares}"


def applied(worker) -> int:
    """Stops a worker; how many records it says it has applied."""
    worker.stop()
    assert worker.exit_code == 0
    line = next(line for line in worker.log.read_text().splitlines() if "has applied" in line)
    return int(line.partition("has applied ")[2].split()[0])
