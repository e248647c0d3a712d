"""A plan in a real browser: it appears, goes on, ends, and says why not; whatever is published is shown as text."""

import json

import pytest
from page_site import MARKS, Browser, Page, Site, colours, marks, visit, wait

pytestmark = MARKS
LANGUAGES = [("en-US", "en"), ("ko-KR", "ko")]
TEXTS = {"en": ("Look for the red cup", "Pick it up"), "ko": ("빨간 컵 찾기", "집어 들기")}


def steps(*states: str, text: tuple[str, ...] = TEXTS["en"], **more: object) -> list[dict]:
    rows = [{"skill": "pick", "text": text[k % len(text)], "state": s, "things": [1]} for k, s in enumerate(states)]
    return [row | more for row in rows]


def publish(site: Site, **fields: object) -> None:
    site.call(lambda live: live.stand.publish_plan(**fields))


def texts(page: Page) -> list[tuple[str, str, str]]:
    """Return mark, words and state of every step as they stand in the list."""
    rows = page.locator("#plan-steps > li")
    return [tuple(row.locator(f".{part}").inner_text() for part in ("mark", "text", "state")) for row in rows.all()]


def news(page: Page) -> str:
    return page.locator("#plan-news").text_content()


SHOWN = {
    "en": ("▶ Under way", [("✓", "Look for the red cup", "done"), ("▶", "Pick it up", "now")], "✓ Done", "Step 2 of 2"),
    "ko": ("▶ 하는 중", [("✓", "빨간 컵 찾기", "완료"), ("▶", "집어 들기", "지금")], "✓ 완료", "2단계 중 2단계"),
}


@pytest.mark.parametrize(("locale", "language"), LANGUAGES)
def test_a_plan_appears_goes_on_and_ends(browser: Browser, site: Site, locale: str, language: str) -> None:
    page, (under_way, rows, done, step) = visit(browser, site, locale=locale), SHOWN[language]
    assert page.locator("#plan").is_hidden()
    publish(site, words="I will.", steps=steps("done", "running", text=TEXTS[language]))
    page.wait_for_selector("#plan[data-state=running]")
    assert (page.inner_text("#plan-words"), page.inner_text("#plan-state")) == ("I will.", under_way)
    assert texts(page) == rows
    assert page.locator("[aria-current=step]").count() == 1
    assert step in news(page)
    publish(site, state="done", steps=steps("done", "done", text=TEXTS[language]))
    page.wait_for_selector("#plan[data-state=done]")
    assert page.inner_text("#plan-state") == done
    assert [mark for mark, _, _ in texts(page)] == ["✓", "✓"]
    assert page.troubles == []
    page.context.close()


WHY_NOT = [
    ("failed", "✗ Failed", "컵이 손에서 미끄러졌습니다."),
    ("refused", "⊘ Will not do it", "I have no arm that reaches the ceiling."),
    ("asking", "? Asks you", "Which cup do you mean, the red or the blue one?"),
]


@pytest.mark.parametrize(("state", "badge", "why"), WHY_NOT)
def test_why_not_is_in_plain_sight_and_told_to_who_cannot_see(
    browser: Browser, site: Site, state: str, badge: str, why: str
) -> None:
    page = visit(browser, site)
    failed = steps("failed", "waiting", why="It slipped.") if state == "failed" else []
    publish(site, state=state, why=why, steps=failed)
    page.wait_for_selector(f"#plan[data-state={state}]")
    assert (page.inner_text("#plan-state"), page.inner_text("#plan-why")) == (badge, why)
    assert page.get_attribute("#plan-why", "lang") == ("ko" if state == "failed" else "en")
    assert why in news(page)
    assert [row[0] for row in texts(page)] == (["✗", "–"] if failed else [])
    assert page.locator("#plan-steps .why").all_inner_texts() == ["It slipped."] * len(failed)
    page.context.close()


def test_what_the_running_step_is_about_is_pointed_out_in_picture_and_room_until_it_ends(
    browser: Browser, site: Site
) -> None:
    def amber() -> int:
        return sum(n for n, (r, g, b) in colours(page.locator("#room-canvas")) if r > 240 and 150 < g < 200 and b < 40)

    page = visit(browser, site)
    page.wait_for_selector("#room-message", state="hidden")
    publish(site, steps=steps("running"))
    site.call(lambda live: live.stand.publish_things(1))
    page.wait_for_selector("#camera[data-about='1']")
    assert marks(page, "about") > 40
    page.wait_for_timeout(500)
    assert amber() > 20
    publish(site, state="done", steps=steps("done"))
    page.wait_for_selector("#camera[data-about='0']")
    assert marks(page, "about") == 0
    page.wait_for_timeout(500)
    assert amber() == 0
    page.context.close()


def test_an_old_plan_stays_in_the_talk_as_a_line_that_opens(browser: Browser, site: Site) -> None:
    page = visit(browser, site)
    publish(site, state="failed", why="It slipped.", words="I will pick it up.", steps=steps("done", "failed"))
    report = json.dumps({"id": 1, "ok": False, "reason": "slipped", "steps": []})
    site.call(lambda live: live.stand.publish_words("outcome", report))
    publish(site, id=2)
    page.locator(".outcome summary").wait_for()
    assert page.inner_text(".outcome summary") == "✗ Failed · I will pick it up."
    assert page.locator(".outcome .why").is_hidden()
    page.click(".outcome summary")
    assert page.inner_text(".outcome > details > .why") == "It slipped."
    assert page.locator(".outcome .steps > li").count() == 2
    page.click("[data-language=ko]")
    assert page.inner_text(".outcome summary") == "✗ 실패 · I will pick it up."
    assert page.locator(".outcome .why").is_visible(), "it stays open"
    page.reload()
    page.locator(".outcome summary").wait_for()
    assert page.locator(".outcome").count() == 1
    page.context.close()


def test_a_plan_that_ended_without_saying_so_does_not_go_on_for_ever(browser: Browser, site: Site) -> None:
    page = visit(browser, site)
    publish(site, steps=steps("done", "running"))
    page.wait_for_selector("#plan[data-state=running]")
    interrupted = json.dumps({"id": 1, "ok": False, "reason": "interrupted", "steps": []})
    site.call(lambda live: live.stand.publish_words("outcome", interrupted))
    page.wait_for_selector("#plan[data-state=stopped]")
    assert page.inner_text("#plan-state") == "■ Given up"
    assert [row[0] for row in texts(page)] == ["✓", "■"]
    page.context.close()


def test_a_plan_that_is_none_is_noted_and_the_next_good_one_shown(browser: Browser, site: Site) -> None:
    page = visit(browser, site)
    site.call(lambda live: live.stand.publish_words("plan", '{"id": "<b>x</b>"}'))
    page.locator("#plan-note").wait_for()
    assert "does not understand" in page.inner_text("#plan-note-text")
    page.click("[data-language=ko]")
    assert "이해하지 못합니다" in page.inner_text("#plan-note-text")
    publish(site, words="알겠습니다.")
    page.wait_for_selector("#plan[data-state=running]")
    assert page.locator("#plan-note").is_hidden()
    assert page.troubles == []
    page.context.close()


@pytest.mark.parametrize("size", [(390, 844), (1366, 768)])
def test_of_twenty_steps_the_running_one_is_in_sight_and_nothing_else_is_pushed_out(
    browser: Browser, site: Site, size: tuple[int, int]
) -> None:
    page = visit(browser, site, viewport={"width": size[0], "height": size[1]})
    states = ["done"] * 14 + ["running"] + ["waiting"] * 5
    publish(site, steps=[step | {"text": step["text"][:12]} for step in steps(*states)])
    page.wait_for_selector("[aria-current=step]")
    assert len(texts(page)) == 20
    box, row = (page.locator(where).bounding_box() for where in ("#plan-steps", "[aria-current=step]"))
    assert box["y"] <= row["y"] <= row["y"] + row["height"] <= box["y"] + box["height"] + 1
    assert page.locator("#talk-form").bounding_box()["height"] > 40
    assert page.locator(".panel").bounding_box()["height"] > 140
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert page.evaluate("scrollY") == 0, "the page itself is not moved"
    page.context.close()


HOSTILE = "<img src=x onerror=alert(1)><script>document.body.remove()</script>\u202e&lt;b&gt;" + "가" * 60


def test_hostile_words_are_shown_as_text_never_as_html(browser: Browser, site: Site) -> None:
    page = visit(browser, site, viewport={"width": 390, "height": 844})
    step = {"skill": HOSTILE[:60], "text": HOSTILE, "state": "failed", "why": f"{HOSTILE}!", "things": [9_999_999]}
    publish(site, state="failed", words=HOSTILE, why=HOSTILE, steps=[step])
    publish(site, id=2)
    page.click(".outcome summary")
    shown = [page.locator(at).text_content() for at in (".outcome summary span", ".outcome details > .why")]
    shown += page.locator(".outcome .steps .text, .outcome .steps .why").all_text_contents()
    assert shown == [HOSTILE, HOSTILE, HOSTILE, f"{HOSTILE}!"]
    assert page.locator("main img, main script").count() == 0
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert page.troubles == []
    page.context.close()


@pytest.mark.parametrize(("locale", "first"), [("en-US", "pick up the red cup"), ("ko-KR", "빨간 컵 집어 줘")])
def test_to_pick_up_what_the_robot_knows_of_is_suggested(browser: Browser, site: Site, locale: str, first: str) -> None:
    page = visit(browser, site, locale=locale)
    before = page.locator(".chip").all_inner_texts()
    site.call(lambda live: live.stand.publish_things(1))
    page.locator(".chip", has_text=first).wait_for()
    chips = page.locator(".chip").all_inner_texts()
    assert (chips[0], chips[2:]) == (first, before)
    page.locator(".chip").first.click()
    wait(page, lambda: site.stand.heard == [first])
    page.context.close()
