"""The page in a real browser: Debian's Chromium, headless, driven by Playwright."""

import threading
from pathlib import Path

import pytest
from page_site import CHROMIUM, MARKS, Browser, Site, colours, marks, visit, wait
from page_stand import MARK_WIDTH, TOKEN

from vagus.core.messages import Request, Source, State, Verdict
from vagus.core.sights import Sight
from vagus.page.door import door
from vagus.page.server import page_url

pytestmark = MARKS


def test_it_loads_without_an_error_and_hides_the_token(browser: Browser, site: Site) -> None:
    page = visit(browser, site)
    page.wait_for_selector("#room-message", state="hidden")
    assert page.url == f"http://{site.live.host}/"
    assert page.inner_text("#robot-name") == "tester"
    assert "At rest" in page.inner_text("#whole-rest")
    assert page.evaluate("document.cookie") == "", "scripts cannot read the token"
    assert page.troubles == []
    page.context.close()


def test_a_browser_gets_in_through_the_file_and_the_token_stays_out_of_its_history(
    browser: Browser, site: Site, tmp_path: Path
) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(door(tmp_path, page_url(site.live.port, TOKEN)))
    page.wait_for_selector("[data-link=open]")
    assert page.url == f"http://{site.live.host}/"
    page.reload()
    page.wait_for_selector("[data-link=open]")
    assert page.evaluate("history.length") <= 2, "about:blank, and the page"
    context.close()


def test_the_room_view_draws_the_robot(browser: Browser, site: Site) -> None:
    page = visit(browser, site)
    page.wait_for_selector("#room-message", state="hidden")
    page.wait_for_timeout(800)
    found = colours(page.locator("#room-canvas"), (160, 120))
    orange = sum(n for n, (r, g, b) in found if r > 120 and r > 1.6 * b and 1.2 * g < r)
    teal = sum(n for n, (r, g, b) in found if g > 1.5 * r and b > 1.5 * r)
    assert len(found) > 100
    assert orange > 20, "the arm"
    assert teal > 40, "the body"
    page.context.close()


def test_the_camera_shows_its_newest_exposure_and_says_when_it_dies(browser: Browser, site: Site) -> None:
    page = visit(browser, site)
    page.wait_for_selector("#camera[data-state=live]")
    pixels = "x => Array.from(document.getElementById('camera-canvas').getContext('2d').getImageData(x, 12, 1, 1).data)"
    left, right = page.evaluate(pixels, 5), page.evaluate(pixels, 27)
    assert left[0] > 150 > left[2]
    assert right[2] > 150 > right[0]
    assert "ms old" in page.inner_text("#camera-info")
    site.stand.publish_picture = lambda counter: None  # type: ignore[method-assign]
    page.wait_for_selector("#camera[data-state=stale]")
    assert "No new picture" in page.inner_text("#camera-message")
    page.context.close()


def test_what_the_robot_sees_is_drawn_on_its_picture_and_goes_when_it_is_old(browser: Browser, site: Site) -> None:
    page = visit(browser, site)
    page.wait_for_selector("#camera[data-state=live]")
    assert marks(page, "outline") == 0
    site.stand.publish_things(1)
    page.wait_for_selector("#camera[data-seen='1']")
    assert marks(page, "outline") > 20
    site.stand.publish_things(2, (Sight(15, 0.8, (20.0, 20.0, 90.0, 90.0)),))
    page.wait_for_selector("#camera[data-sights='1']")
    page.wait_for_selector("#camera[data-seen='0'][data-sights='0']")  # it has looked at nothing for two seconds
    assert marks(page, "outline") == 0
    assert page.troubles == []
    page.context.close()


def test_what_the_robot_knows_of_stands_in_the_room_as_outlines(browser: Browser, site: Site) -> None:
    page = visit(browser, site)
    page.wait_for_selector("#room-message", state="hidden")
    page.wait_for_timeout(500)

    def outlines() -> int:
        """Count bright teal pixels: the body is darker."""
        return sum(n for n, (r, g, b) in colours(page.locator("#room-canvas")) if r < 60 and g > 170 and b > 150)

    before = outlines()
    site.stand.publish_things(1)
    page.wait_for_timeout(1000)
    assert outlines() > before + 30
    page.context.close()


def test_the_camera_s_picture_changes_with_every_exposure(browser: Browser, site: Site) -> None:
    page = visit(browser, site)
    page.wait_for_selector("#camera[data-state=live]")
    look = """() => {
        const { data, width } = document.getElementById("camera-canvas").getContext("2d").getImageData(0, 2, 32, 1);
        const green = Array.from({ length: width }, (_, x) => 2 * data[4 * x + 1] - data[4 * x] - data[4 * x + 2]);
        return green.indexOf(Math.max(...green));
    }"""
    places, exposures = set(), set()
    for _ in range(20):
        places.add(page.evaluate(look) // MARK_WIDTH)
        exposures.add(page.inner_text("#camera-info").split(" ")[0])
        page.wait_for_timeout(100)
    assert len(places) >= 4, "the green mark moves with the exposure counter"
    assert len(exposures) >= 4
    page.context.close()


@pytest.mark.parametrize("plot", ["ages", "rates"])
def test_plots_draw_curves_that_grow(browser: Browser, site: Site, plot: str) -> None:
    page = visit(browser, site)
    page.click("#tab-timing")
    points = f"() => document.getElementById('plot-{plot}').plot.data.map((row) => row.filter((x) => x > 0).length)"
    wait(page, lambda: page.evaluate(points)[1] >= 3)
    times, encoder, *others = page.evaluate(points)
    assert times >= encoder
    assert others[:2] == [0, 0] if plot == "ages" else max(others) >= 3, "what no command used has no age"
    wait(page, lambda: page.evaluate(points)[1] >= encoder + 3)
    canvas = page.locator(f"#plot-{plot} canvas")
    canvas.scroll_into_view_if_needed()
    teal = [n for n, (r, g, b) in colours(canvas) if g > r + 60 and b > r + 60]
    assert sum(teal) > 100, "the first curve's colour"
    assert page.troubles == []
    page.context.close()


STOPS = [
    ("en-US", "Arm left", "Holding still", "Last stop: unexpected force on the joint", "Emergency stop"),
    ("ko-KR", "왼쪽 팔", "정지 유지", "마지막 정지: 관절에 예상 밖의 힘", "비상 정지"),
]


@pytest.mark.parametrize(("locale", "group", "holding", "cause", "emergency"), STOPS)
def test_a_stop_is_shown_with_its_state_and_its_cause(
    browser: Browser, site: Site, locale: str, group: str, holding: str, cause: str, emergency: str
) -> None:
    page = visit(browser, site, locale=locale)
    page.click("#tab-groups")
    row = page.locator("#group-list > li").nth(1)
    site.call(lambda live: live.stand.stop_group(1, Verdict.STOPPED_TORQUE))
    row.locator(".cause", has_text=cause).wait_for()
    assert row.locator("h3").inner_text() == group
    assert row.locator("strong").inner_text() == holding
    assert page.locator("#group-list > li").nth(0).locator(".cause").inner_text() == "", "only the arm was stopped"
    page.click("#stop")
    row.locator("strong", has_text=emergency).wait_for()
    assert emergency.lower() in row.locator(".cause").inner_text()
    assert page.inner_text("#whole-state") == emergency
    assert page.locator("#group-chips > li", has_text=emergency).count() == 3
    page.context.close()


def test_the_stop_s_banner_is_in_sight_wherever_a_phone_is_scrolled_to(browser: Browser, site: Site) -> None:
    page = visit(browser, site, viewport={"width": 390, "height": 700})
    page.evaluate("scrollTo(0, 600)")
    page.click("#stop")
    page.wait_for_selector("#banner-stop[data-state=latched]")
    box = page.locator("#reset").bounding_box()
    assert 0 <= box["y"] <= 650
    page.context.close()


def test_typing_says_it_to_the_robot_and_shows_the_talk(browser: Browser, site: Site) -> None:
    page = visit(browser, site)
    page.fill("#talk-input", "wave <b>now</b>")
    page.keyboard.press("Enter")
    wait(page, lambda: site.stand.heard == ["wave <b>now</b>"])
    page.wait_for_selector("[data-who=person]")
    assert page.inner_text("[data-who=person] p") == "wave <b>now</b>"
    report = '{"ok": true, "steps": [{"skill": "wave", "ok": true}]}'
    site.call(lambda live: live.stand.publish_words("outcome", report))
    page.wait_for_selector(".outcome[data-ok=true]")
    assert page.inner_text(".outcome") == "✓ Done · ✓ wave"
    page.context.close()


def test_escape_stops_even_while_typing_and_a_person_resets(browser: Browser, site: Site) -> None:
    page = visit(browser, site)
    page.focus("#talk-input")
    page.keyboard.press("Escape")
    wait(page, lambda: Request.ESTOP in site.stand.kinds())
    page.wait_for_selector("#banner-stop[data-state=latched]")
    assert "At rest" in page.inner_text("#banner-stop-rest")
    page.click("#reset")
    page.click("#reset-cancel")
    page.wait_for_timeout(200)
    assert Request.RESET not in site.stand.kinds()
    page.click("#reset")
    page.click("#reset-confirm")
    wait(page, lambda: Request.RESET in site.stand.kinds())
    page.wait_for_selector("#banner-stop", state="hidden")
    page.context.close()


def test_the_stop_button_works_while_the_live_connection_is_down(browser: Browser, site: Site) -> None:
    page = visit(browser, site)
    page.evaluate("() => Object.defineProperty(WebSocket.prototype, 'readyState', { get: () => WebSocket.CLOSED })")
    page.click("#stop")
    wait(page, lambda: Request.ESTOP in site.stand.kinds())
    page.context.close()


def test_a_stop_that_nobody_confirms_is_shown_as_unconfirmed(browser: Browser, site: Site) -> None:
    page = visit(browser, site)
    site.stand.is_silent = True
    page.click("#stop")
    page.wait_for_selector("text=STOP IS NOT CONFIRMED")
    page.context.close()


def test_a_held_button_moves_the_joint_and_letting_go_stops_it(browser: Browser, site: Site) -> None:
    page = visit(browser, site)
    page.click("#take")
    page.wait_for_selector("#controls[data-enabled=true]")
    start = site.stand.q.copy()
    page.hover("[data-joint=left_elbow][data-direction='1']")
    page.mouse.down()
    wait(page, lambda: site.stand.q[3] > start[3] + 0.05)
    page.mouse.up()
    page.wait_for_timeout(500)
    rest = site.stand.q.copy()
    page.wait_for_timeout(500)
    assert site.stand.q.tolist() == rest.tolist()
    assert page.troubles == []
    page.context.close()


def test_arrow_keys_drive_and_a_closed_page_stops(browser: Browser, site: Site) -> None:
    page = visit(browser, site)
    page.click("#take")
    page.wait_for_selector("#controls[data-enabled=true]")
    page.keyboard.down("ArrowUp")
    wait(page, lambda: site.stand.v[0] > 0.5 and site.stand.v[1] > 0.5)
    page.context.close()  # the tab is closed with the key still held
    for _ in range(100):
        if site.stand.holder == [Source.NOBODY] * 3:
            break
        threading.Event().wait(0.05)
    assert site.stand.state == [State.HOLD] * 3
    assert site.stand.v.tolist() == [0.0] * 5


def test_the_language_is_switched_and_remembered(browser: Browser, site: Site) -> None:
    page = visit(browser, site)
    assert page.inner_text("#room-title") == "Room"
    page.click("[data-language=ko]")
    assert page.inner_text("#room-title") == "방"
    page.reload()
    page.wait_for_selector("[data-link=open]")
    assert page.inner_text("#room-title") == "방"
    assert page.get_attribute("html", "lang") == "ko"
    page.context.close()
    korean = visit(browser, site, locale="ko-KR")
    assert korean.inner_text("#talk-title") == "대화"
    korean.context.close()


def test_both_languages_have_the_same_words(browser: Browser, site: Site) -> None:
    page = visit(browser, site)
    keys = """async () => {
        const { TABLES } = await import('/static/js/words.js');
        const walk = (o, at) => Object.entries(o).flatMap(([k, v]) =>
            k === 'name' ? [] : typeof v === 'object' && !Array.isArray(v) ? walk(v, at + k + '.') : [at + k]);
        return Object.values(TABLES).map((table) => walk(table, '').sort());
    }"""
    english, korean = page.evaluate(keys)
    assert english == korean
    assert {f"verdict.{verdict.name.lower()}" for verdict in Verdict if verdict} <= set(english)
    assert {f"state.{state.name.lower()}" for state in State} <= set(english)
    page.context.close()


def test_a_lost_connection_is_shown_and_comes_back_by_itself(browser: Browser, site: Site) -> None:
    page = visit(browser, site)
    page.click("#take")
    page.wait_for_selector("#controls[data-enabled=true]")
    page.evaluate("""() => {
        window.seen = [];
        new MutationObserver(() => seen.push(document.body.dataset.link)).observe(document.body, { attributes: true });
    }""")
    site.call(lambda live: [c.messages.spend(10**18, 240.0) for c in live.app.page_desk.clients.values()])
    page.wait_for_selector("text=page 2")
    assert "lost" in page.evaluate("seen")
    assert page.get_attribute("#controls", "data-enabled") == "false", "control is not taken again by itself"
    page.context.close()


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window_and_every_button_has_a_name(
    browser: Browser, site: Site, locale: str, width: int
) -> None:
    page = visit(browser, site, locale=locale, viewport={"width": width, "height": 800})
    cut = "() => [...document.querySelectorAll('.scroll, .tabs')].filter((e) => e.scrollWidth > e.clientWidth).length"
    for tab in ("control", "groups", "timing", "processes"):
        page.click(f"#tab-{tab}")
        page.wait_for_timeout(600)  # the tables are filled twice a second
        assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), tab
        assert page.evaluate(cut) == 0 or (tab, width) == ("processes", 390), f"a table or the tabs are cut: {tab}"
    nameless = """() => [...document.querySelectorAll("button, input, select")].filter(
        (e) => e.offsetParent && !(e.ariaLabel || e.textContent.trim() || e.labels?.length)).length"""
    assert page.evaluate(nameless) == 0
    stop = page.locator("#stop").bounding_box()
    assert stop["width"] >= 120
    assert stop["height"] >= 48
    page.context.close()


@pytest.mark.parametrize("site", [False], indirect=True)
def test_a_robot_without_a_room_shows_a_message(browser: Browser, site: Site) -> None:
    page = visit(browser, site)
    page.wait_for_selector("text=no simulated room")
    assert page.troubles == []
    page.context.close()


def test_without_webgl_a_message_stands_in_and_the_rest_works(browser: Browser, site: Site) -> None:
    flat = browser.browser_type.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-3d-apis"])
    page = visit(flat, site)
    page.wait_for_selector("text=WebGL is missing")
    page.wait_for_selector("#camera[data-state=live]")
    page.keyboard.press("Escape")
    wait(page, lambda: Request.ESTOP in site.stand.kinds())
    flat.close()
