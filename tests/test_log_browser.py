"""Log lines in a real browser: hostile ones are text; a line leads to its trace, its archive page and a download."""

import json
import re
import uuid

from playwright.sync_api import expect

from tests.hostile import CORPUS, as_json
from tests.servers import wait_until


def send(settings, stack, service: str, *values: bytes) -> None:
    from realtime.producer import Producer

    settings.KAFKA_BOOTSTRAP_SERVERS = [stack.kafka.bootstrap]
    producer = Producer("tests")
    for value in values:
        producer.send("service-logs", service, value)
    producer.flush()
    producer.close()


def test_hostile_lines_run_nothing_and_break_nothing(stack, staff_page, settings):
    service = f"h-{uuid.uuid4().hex[:6]}"
    last = {"service": service, "level": "ERROR", "message": "after all of them"}
    send(settings, stack, service, *CORPUS.values(), as_json(last))
    staff_page.goto(f"{stack.base_url}/logs/")
    expect(staff_page.get_by_text("after all of them").first).to_be_visible(timeout=30_000)
    staff_page.keyboard.press("Space")
    for _ in CORPUS:
        staff_page.keyboard.press("k")
        staff_page.keyboard.press("Enter")
        expect(staff_page.locator(".row.current[aria-expanded=true]")).to_have_count(1)
        injected = staff_page.evaluate("document.querySelectorAll('.window :is(script, img, svg, iframe, b)').length")
        assert injected == 0
    assert staff_page.evaluate("({}).polluted") is None
    staff_page.fill("#search", "<script>alert(1)</script>")
    expect(staff_page.locator(".window .msg", has_text="<script>alert(1)</script>").first).to_be_visible()


def test_an_opened_line_leads_to_its_trace_its_page_and_a_download(stack, staff_page, settings):
    service, trace = f"t-{uuid.uuid4().hex[:6]}", uuid.uuid4().hex
    stack_trace = 'Traceback (most recent call last):\n  File "x.py", line 1, in y\nValueError: bad'
    common = {"level": "ERROR", "trace_id": trace, "stack": stack_trace}
    lines = [{**common, "message": f"step {n} failed"} for n in range(2)]
    send(settings, stack, service, *map(as_json, lines))
    found = f"{stack.base_url}/logs/search/lines.ndjson?trace={trace}"
    wait_until(lambda: len(staff_page.request.get(found).text().splitlines()) == 2, 30)
    staff_page.goto(f"{stack.base_url}/logs/?services={service}")
    row = staff_page.locator("#lines .row", has_text="step 1 failed").first
    row.click()
    opened = staff_page.locator(".opened").first
    assert opened.locator("dd pre").is_hidden()
    opened.get_by_text("Stack trace, 3 lines").click()
    expect(opened.locator("dd pre")).to_have_text(stack_trace)
    expect(opened).to_contain_text("ValueError: bad")
    address = opened.get_by_role("link", name="Permalink").get_attribute("href")
    opened.get_by_role("link", name="Same trace").click()
    expect(staff_page.locator(".archived .row")).to_have_count(2)
    with staff_page.expect_download() as download:
        staff_page.get_by_role("link", name="NDJSON").click()
    saved = download.value.path().read_text().splitlines()
    assert [json.loads(line)["message"] for line in saved] == ["step 1 failed", "step 0 failed"]
    staff_page.goto(f"{stack.base_url}{address}")
    expect(staff_page.locator(".whole")).to_have_text("step 1 failed")
    expect(staff_page.locator(".archived .row")).to_have_count(2)
    staff_page.get_by_role("link", name="Same service").click()
    expect(staff_page).to_have_url(re.compile(f"services={service}"))
    expect(staff_page.locator(".archived .row")).to_have_count(2)
