"""The log page's charts: their sums are the lines produced, what is incomplete is hatched, a drag leads to a search."""

import json
import re
import time
import uuid
from urllib.parse import parse_qs, urlsplit

import pytest
import redis
from playwright.sync_api import expect

from tests.test_accessibility import axe, faults  # noqa: F401 - fixtures
from tests.test_log_browser import send

BARS = "Chart.getChart('histogram').data.datasets"
PAIRS = f"{BARS}.map((bar) => [bar.label, bar.data.reduce((sum, n) => sum + n, 0)])"
SUMS = f"Object.fromEntries({PAIRS}.filter(([, n]) => n))"
MARKS = "Chart.getChart('histogram').config.plugins.find((plugin) => plugin.id === 'marks')"


def shows(page, **sums):
    """Waits until the bars add up to exactly these lines by level."""
    script = f"(wanted) => JSON.stringify({SUMS}) === wanted"
    try:
        page.wait_for_function(script, arg=json.dumps(sums, separators=(",", ":")), timeout=40_000)
    except Exception:
        raise AssertionError(f"the bars are {page.evaluate(SUMS)}, not {sums}") from None


@pytest.fixture
def service():
    return f"ch-{uuid.uuid4().hex[:6]}"


def lines(service, level, n):
    line = json.dumps({"service": service, "level": level, "message": f"one of {n}"}).encode()
    return [line] * n


def test_the_bars_add_up_to_the_lines_produced_though_most_were_hidden_and_the_worker_was_killed(
    stack, staff_page, settings, service
):
    staff_page.goto(f"{stack.base_url}/logs/?services={service}&range=5")
    expect(staff_page.locator(".state")).to_contain_text("Live", timeout=20_000)
    send(settings, stack, service, *lines(service, "INFO", 3_000), *lines(service, "ERROR", 40))
    shows(staff_page, INFO=3_000, ERROR=40)
    stack.kill("live")
    send(settings, stack, service, *lines(service, "INFO", 500), *lines(service, "FATAL", 2))
    stack.restart("live")
    shows(staff_page, INFO=3_500, ERROR=40, FATAL=2)
    for span in ("15", "60", "360", "1440"):
        staff_page.locator("#range").select_option(span)
        shows(staff_page, INFO=3_500, ERROR=40, FATAL=2)
    row = staff_page.locator(f"#services li[data-service='{service}']")
    expect(row.locator(".rate")).to_contain_text("1.2 % errors")
    staff_page.reload()
    shows(staff_page, INFO=3_500, ERROR=40, FATAL=2)
    expect(staff_page.locator("#histogram")).to_have_attribute(
        "aria-label", re.compile(r"3,542 lines, 42 of ERROR"), timeout=15_000
    )


def test_a_day_shows_what_redis_counts_and_hatches_what_it_does_not_know(stack, staff_page, service):
    now = int(time.time())
    with redis.Redis.from_url(stack.redis.url) as client:
        since = int(json.loads(client.get("logs:counts:since"))) / 1000
        for ago, n in ((2, 7), (9, 30), (20, 5)):
            minute = now - ago * 3_600 - now % 60
            client.hincrby(f"logs:counts:m:{minute - minute % 3_600}", f"{minute}|WARN|{service}", n)
    staff_page.goto(f"{stack.base_url}/logs/?services={service}&range=1440")
    shows(staff_page, WARN=42)
    staff_page.wait_for_function(f"() => {MARKS}.hatched?.word === 'incomplete'")
    assert abs(staff_page.evaluate(f"{MARKS}.hatched.to") - since) <= 1
    expect(staff_page.locator("#shares-title")).to_contain_text("since")
    expect(staff_page.locator("#histogram")).to_have_attribute(
        "aria-label", re.compile("the counts are incomplete"), timeout=15_000
    )
    inked = """() => {
      const canvas = document.getElementById('histogram');
      const { width, height } = canvas;
      const { data } = canvas.getContext('2d').getImageData(width * 0.1, height * 0.4, width * 0.2, 20);
      return data.filter((_, index) => index % 4 === 3 && data[index]).length;
    }"""
    assert staff_page.evaluate(inked) > 500, "nothing is hatched there"
    staff_page.locator("#range").select_option("5")
    staff_page.wait_for_function(f"() => {MARKS}.hatched === null")


def test_a_drag_over_the_bars_leads_to_that_time_in_the_archive(stack, staff_page, service):
    staff_page.goto(f"{stack.base_url}/logs/?services={service}&levels=WARN,ERROR&range=60")
    staff_page.wait_for_function(f"() => {MARKS}.span.bars === 60 && {MARKS}.span.from > 0")
    box = staff_page.locator("#histogram").bounding_box()
    middle = box["y"] + box["height"] / 2
    staff_page.mouse.move(box["x"] + box["width"] * 0.5, middle)
    staff_page.mouse.down()
    staff_page.mouse.move(box["x"] + box["width"] * 0.75, middle, steps=4)
    staff_page.mouse.up()
    expect(staff_page.locator("#zoom a")).to_be_focused()
    assert staff_page.evaluate(f"{MARKS}.chosen.to - {MARKS}.chosen.from") == pytest.approx(900, abs=130)
    staff_page.keyboard.press("Enter")
    expect(staff_page).to_have_url(re.compile(r"/logs/search/\?"))
    asked = parse_qs(urlsplit(staff_page.url).query)
    assert (asked["services"], asked["levels"]) == ([service], ["WARN,ERROR"])
    assert asked["since"][0] < asked["until"][0]
    expect(staff_page.locator("input[name=since]")).to_have_value(asked["since"][0])


def test_the_same_time_can_be_chosen_by_the_keyboard(stack, staff_page, faults):  # noqa: F811
    staff_page.goto(f"{stack.base_url}/logs/?range=15")
    staff_page.wait_for_function(f"() => {MARKS}.span.bars === 90 && {MARKS}.span.from > 0")
    staff_page.locator("#zoom-button").focus()
    staff_page.keyboard.press("Enter")
    first = staff_page.locator("#zoom input").first
    expect(first).to_be_visible()
    begin = int(first.input_value())
    first.focus()
    for _ in range(3):
        staff_page.keyboard.press("ArrowRight")
    expect(first).to_have_value(str(begin + 30))
    assert staff_page.evaluate(f"{MARKS}.chosen.from") == begin + 30
    assert re.fullmatch(r"\d\d:\d\d:\d\d", first.get_attribute("aria-valuetext"))
    assert faults(staff_page) == []
    href = staff_page.locator("#zoom a").get_attribute("href")
    assert f"since={time.strftime('%Y-%m-%dT%H%%3A%M%%3A%S', time.gmtime(begin + 30))}" in href
    staff_page.keyboard.press("Escape")
    expect(first).to_be_hidden()
    staff_page.wait_for_function(f"() => {MARKS}.chosen === null")


def test_under_a_search_the_charts_say_that_they_count_all_text(stack, staff_page):
    staff_page.goto(f"{stack.base_url}/logs/")
    note = staff_page.locator("[data-all-text]")
    expect(note).to_be_hidden()
    staff_page.fill("#search", "payment")
    expect(note).to_be_visible()
    expect(staff_page.locator("#shares-title")).to_contain_text("all text")
    staff_page.fill("#search", "")
    expect(note).to_be_hidden()
