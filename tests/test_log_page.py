"""The live log page in a real browser: filters in the address, pause, merge, opened lines, downloads, keys, times."""

import csv
import json
import re
import uuid
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
import redis
from playwright.sync_api import Locator, Page, expect

from realtime.producer import Producer
from tests.servers import Stack, wait_until

MANY = 1_200
"""More lines than Redis keeps (LOGS_RECENT)."""


@pytest.fixture
def say(stack: Stack, settings):
    """Sends lines of a service: messages, or whole lines."""
    settings.KAFKA_BOOTSTRAP_SERVERS = [stack.kafka.bootstrap]
    producer = Producer("tests")

    def send(service: str, *lines: str | dict) -> None:
        for line in lines:
            whole = {"service": service, "level": "INFO"} | ({"message": line} if isinstance(line, str) else line)
            producer.send("service-logs", service, json.dumps(whole).encode())
        producer.flush()

    yield send
    producer.close()


@pytest.fixture
def name() -> str:
    return f"p-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def at(stack: Stack, staff_page: Page) -> Callable[[str], Page]:
    """The page with this query, once it is live."""

    def go(query: str) -> Page:
        staff_page.goto(f"{stack.base_url}/logs/?{query}")
        expect(staff_page.locator(".sight").first).to_have_attribute("data-state", "live", timeout=20_000)
        return staff_page

    return go


def rows(page: Page) -> Locator:
    return page.locator("#lines .window > div > .row")


def messages(page: Page, expected: list[str]) -> None:
    expect(page.locator("#lines .window > div > .row > .msg")).to_have_text(expected, timeout=20_000)


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def query(**expected: str) -> Callable[[str], bool]:
    return lambda url: {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()} == expected


def test_filters_stand_in_the_address_are_held_by_the_server_and_go_back(at, say, name):
    one, two = f"{name}-a", f"{name}-b"
    say(one, "apple 1", {"level": "ERROR", "message": "pear 22"})
    say(two, {"level": "WARN", "message": "apple 333"}, "plum 4")
    page = at(f"services={one}")
    messages(page, ["apple 1", "pear 22"])
    sent: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda text: sent.append(text)))
    page.reload()
    messages(page, ["apple 1", "pear 22"])
    page.click("#service")
    page.fill("#service-menu input[type=search]", name)
    page.get_by_role("checkbox", name=two).check()
    page.keyboard.press("Escape")
    expect(page.locator("#service")).to_have_text("2 services")
    expect(rows(page)).to_have_count(4)
    both = f"{one},{two}"
    page.wait_for_url(query(services=both))
    page.fill("#search", "APPLE")
    page.wait_for_url(query(services=both, text="APPLE"))
    expect(rows(page)).to_have_count(2)
    expect(page.locator("#lines mark")).to_have_text(["apple", "apple"])
    page.select_option("#least", "WARN")
    page.wait_for_url(query(services=both, text="APPLE", levels="WARN,ERROR,FATAL"))
    messages(page, ["apple 333"])
    expect(page.locator('.level[data-level="INFO"]')).to_have_attribute("aria-pressed", "false")
    asked_for = [json.loads(text) for text in sent if "filter" in text]
    assert asked_for[-1] == {"type": "filter", "services": both, "text": "APPLE", "levels": "WARN,ERROR,FATAL"}
    page.go_back()
    expect(rows(page)).to_have_count(2)
    page.go_back()
    expect(rows(page)).to_have_count(4)
    expect(page.locator("#search")).to_have_value("")
    page.go_forward()
    expect(rows(page)).to_have_count(2)
    expect(page.locator("#search")).to_have_value("APPLE")


def test_a_regular_expression_is_the_servers_and_one_that_is_none_changes_nothing(at, say, name):
    say(name, "took 12 ms", "took 3450 ms", "took long")
    page = at(f"services={name}")
    expect(rows(page)).to_have_count(3)
    page.click("#regex")
    page.fill("#search", r"took \d{3,}")
    page.wait_for_url(query(services=name, regex=r"took \d{3,}"))
    messages(page, ["took 3450 ms"])
    expect(page.locator("#lines mark")).to_have_text(["took 3450"])
    page.fill("#search", r"took (\d")
    expect(page.locator("#search-error")).to_contain_text("missing )")
    expect(page.locator("#search")).to_have_value(r"took (\d")
    page.wait_for_url(query(services=name, regex=r"took \d{3,}"))
    say(name, "took 7 ms", "took 9999 ms")
    messages(page, ["took 3450 ms", "took 9999 ms"])
    expect(page.locator("#search-error")).to_be_visible()
    page.fill("#search", r"took (\d)\b")
    expect(page.locator("#search-error")).to_be_hidden()
    expect(rows(page)).to_have_count(1)
    messages(page, ["took 7 ms"])


def test_an_address_with_an_expression_that_is_none_shows_the_rest_and_says_why(at, say, name):
    say(name, "one", "two")
    page = at(f"services={name}&regex=(")
    expect(page.locator("#search-error")).to_contain_text("missing )")
    messages(page, ["one", "two"])
    page.wait_for_url(query(services=name))


def test_what_the_tab_has_survives_a_change_of_the_filter_and_a_reconnect(stack, at, say, name):
    say(name, *[f"old {n}" for n in range(20)])
    page = at(f"services={name}")
    expect(rows(page)).to_have_count(20)
    page.fill("#search", "old 1")
    expect(rows(page)).to_have_count(11)
    say(name, "new 1", "old 1 again", "new 2")
    expect(rows(page)).to_have_count(12)
    say(f"{name}-other", *[f"filler {n}" for n in range(MANY)])
    with redis.Redis.from_url(stack.redis.url) as held:
        wait_until(lambda: not any(f'"{name}"'.encode() in line for line in held.lrange("logs:recent", 0, -1)), 30)
    say(name, "new 3")
    page.fill("#search", "")
    # Of "new 1" and "new 2", which nobody had asked for, Redis knows nothing any more.
    expect(page.locator("#lines .window .missing")).to_contain_text("this filter was not asked for yet")
    messages(page, [f"old {n}" for n in range(20)] + ["old 1 again", "new 3"])
    page.context.set_offline(True)
    expect(page.locator(".sight").first).to_have_attribute("data-state", "lost")
    say(name, "new 4")
    page.context.set_offline(False)
    messages(page, [f"old {n}" for n in range(20)] + ["old 1 again", "new 3", "new 4"])


IN_SIGHT = """() => {
    const list = document.querySelector("#lines").getBoundingClientRect();
    return [...document.querySelectorAll("#lines .window > div > .row")]
        .map(row => [row.querySelector(".msg").textContent, row.getBoundingClientRect().top - list.top])
        .find(([, top]) => top >= 0);
}"""
AT_REST = f"""async () => {{
    const inSight = {IN_SIGHT};
    for (let frames = 0, last = ""; ; frames += 1) {{
        await new Promise(requestAnimationFrame);
        const now = JSON.stringify(inSight());
        if (now !== last) [frames, last] = [0, now];
        else if (frames >= 30) return JSON.parse(now);
    }}
}}"""
"""What is in sight once nothing has moved for half a second: a turn of the wheel takes its time."""


def test_scrolling_up_pauses_and_nothing_moves_until_one_goes_on(at, say, name):
    say(name, *[f"line {n}" for n in range(500)])
    page = at(f"services={name}")
    expect(page.get_by_text("line 499", exact=True)).to_be_visible(timeout=20_000)
    assert rows(page).count() < 100
    page.mouse.move(400, 500)
    page.mouse.wheel(0, -3_000)
    expect(page.locator("#pill")).to_have_text("↓ Follow")
    before = page.evaluate(AT_REST)
    say(name, *[f"later {n}" for n in range(37)])
    expect(page.locator("#pill")).to_have_text("↓ 37 new lines", timeout=20_000)
    assert page.evaluate(IN_SIGHT) == before
    page.click("#pill")
    expect(page.get_by_text("later 36", exact=True)).to_be_visible()
    expect(page.locator("#pill")).to_be_hidden()
    say(name, "the newest")
    expect(page.get_by_text("the newest", exact=True)).to_be_visible(timeout=20_000)


def test_keys_do_what_the_sheet_says(at, say, name):
    say(name, "first", {"level": "ERROR", "message": "second"}, "third")
    page = at(f"services={name}")
    expect(rows(page)).to_have_count(3)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    listed = page.locator("#keys kbd").all_inner_texts()
    assert {"/", "r", "e", "s", "j", "k", "Enter", "c", "g", "G", "f", "Space", "d", "t", "?"} == set(listed)
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("second")
    expect(rows(page)).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(3)
    page.keyboard.press("e")
    messages(page, ["second"])
    page.keyboard.press("e")
    expect(rows(page)).to_have_count(3)
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator(".row.current .msg")).to_have_text("second")
    page.keyboard.press("Enter")
    expect(page.locator(".opened")).to_contain_text(name)
    page.keyboard.press("c")
    expect(page.locator("#said")).to_have_text("Line copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(rf"\S+Z ERROR {name} second", copied)
    page.keyboard.press("Enter")
    expect(page.locator(".opened")).to_have_count(0)
    page.keyboard.press("Space")
    expect(page.locator("#pill")).to_be_hidden()
    page.keyboard.press("Space")
    expect(page.locator("#pill")).to_be_visible()
    page.keyboard.press("f")
    expect(page.locator("#pill")).to_be_hidden()
    for key, menu in {"s": "#service-menu", "d": "#download", "t": "#times"}.items():
        page.keyboard.press(key)
        expect(page.locator(menu)).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(menu)).to_be_hidden()
    page.keyboard.press("r")
    expect(page.locator("#regex")).to_have_attribute("aria-pressed", "true")


def test_what_is_shown_is_downloaded_with_all_its_fields_and_no_formula(at, say, name):
    say(name, {"message": "=1+1, she said", "order": {"id": "A", "items": [1, 2]}}, "not this one")
    say(name, *[f"she said {n}" for n in range(300)])
    page = at(f"services={name}&text=she said")
    expect(page.get_by_text("she said 299", exact=True)).to_be_visible(timeout=20_000)
    saved = {}
    for form in ("NDJSON", "CSV"):
        page.click("[popovertarget=download]")
        with page.expect_download() as download:
            page.get_by_role("button", name=form, exact=True).click()
        assert download.value.suggested_filename.endswith(f".{form.lower()}")
        saved[form] = download.value.path().read_bytes().decode()
    lines = [json.loads(line) for line in saved["NDJSON"].splitlines()]
    assert [line["message"] for line in lines] == ["=1+1, she said"] + [f"she said {n}" for n in range(300)]
    assert lines[0]["fields"] == {"order": {"id": "A", "items": [1, 2]}}
    assert lines[0]["service"] == name
    table = list(csv.DictReader(saved["CSV"].splitlines(keepends=True)))
    assert [row["id"] for row in table] == [line["id"] for line in lines]
    assert table[0]["message"] == "'=1+1, she said"
    assert json.loads(table[0]["fields"]) == lines[0]["fields"]


def test_a_line_opens_to_its_fields_as_a_tree_what_stood_around_it_and_its_page(at, say, name):
    say(name, "before it", {"message": "paid", "order": {"id": "ORD-7", "items": ["tea", "cup"]}, "attempt": 3})
    say(name, "after it")
    say(f"{name}-other", "beside it")
    page = at(f"services={name},{name}-other")
    page.get_by_text("paid", exact=True).click()
    opened = page.locator(".opened")
    expect(opened.locator("dt")).to_contain_text(["message", "order", "attempt", "id"])
    expect(opened.locator("dd details")).to_have_count(2)
    expect(opened.locator("dd li", has_text="ORD-7")).to_be_visible()
    opened.get_by_text("2 items").click()
    expect(opened.get_by_text("cup")).to_be_hidden()
    id = opened.locator("dd").last.inner_text()
    opened.get_by_role("button", name="Context").click()
    expect(opened.locator(".around .msg")).to_have_text(["before it", "paid", "after it"])
    expect(opened.locator(".around [aria-current=true] .msg")).to_have_text("paid")
    opened.get_by_role("button", name="Only this service").click()
    page.wait_for_url(query(services=name))
    messages(page, ["before it", "paid", "after it"])
    link = opened.get_by_role("link", name="Permalink")
    expect(link).to_have_attribute("href", re.compile(rf"/{id}/$"))
    link.click()
    expect(page.locator(".whole")).to_have_text("paid")


def test_times_are_written_as_chosen_and_the_choice_is_remembered(at, say, name):
    say(name, {"message": "then", "timestamp": 1_762_424_052_948})
    page = at(f"services={name}")
    page.click("[popovertarget=times]")
    page.select_option("#zone", "UTC")
    page.select_option("#time-form", "iso")
    time = page.locator("#lines .window time")
    expect(time).to_have_text("2025-11-06T10:14:12.948Z")
    page.select_option("#zone", "America/New_York")
    expect(time).to_have_text("2025-11-06T05:14:12.948-05:00")
    page.reload()
    expect(time).to_have_text("2025-11-06T05:14:12.948-05:00", timeout=20_000)
