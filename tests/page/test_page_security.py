"""No other web site, host name or process without the token reaches the robot."""

import asyncio

import pytest
from page_live import Live, eventually, live, run, say, until
from page_stand import TOKEN
from websockets.exceptions import InvalidStatus

from vagus.core.errors import ConfigError
from vagus.core.messages import Request
from vagus.page.guard import Guard, inline_hash


async def refused(page: Live, **more: object) -> str:
    """Return the sentence with which a WebSocket is refused; 403 is asserted."""
    with pytest.raises(InvalidStatus) as refusal:
        async with page.socket(**more):
            pass
    assert refusal.value.response.status_code == 403
    return bytes(refusal.value.response.body or b"").decode()


def test_without_the_token_everything_is_refused_with_a_sentence() -> None:
    async def work() -> None:
        async with live() as page, page.http() as http:
            for path in ("/", "/static/js/app.js", "/nothing", "/?token=wrong-wrong-wrong-wrong"):
                answer = await http.get(path)
                assert answer.status_code == 403
                assert "address" in answer.text
            assert "token" in await refused(page, additional_headers={})
            assert "token" in await refused(page, additional_headers={"Cookie": f"vagus_{page.port}=guess"})

    run(work)


@pytest.mark.parametrize(
    "others",
    ['a={"x": 1}', "a b c", "=", 'q="half', 'q="; vagus_PORT=guess; x="', "a[]=@{}", "a=1,b=2", "vagus_PORTx=no"],
)
def test_odd_cookies_of_the_same_host_do_not_lock_the_owner_out(others: str) -> None:
    async def work() -> None:
        async with live() as page:
            odd = others.replace("PORT", str(page.port))
            for mixed in (f"{odd}; {page.cookie}", f"{page.cookie};{odd}"):
                async with page.http(Cookie=mixed) as http:
                    assert (await http.get("/")).status_code == 200
                    assert (await http.post("/api/estop")).status_code == 202
                async with page.socket(additional_headers={"Cookie": mixed}) as socket:
                    await until(socket, "hello")
            async with page.http(Cookie=odd) as http:
                assert (await http.get("/")).status_code == 403

    run(work)


def test_the_token_in_the_url_becomes_a_strict_cookie_and_leaves_the_address_bar() -> None:
    async def work() -> None:
        async with live() as page, page.http() as http:
            answer = await http.get(f"/?token={TOKEN}")
            assert answer.status_code == 200
            assert 'http-equiv="refresh" content="0; url=/"' in answer.text
            assert TOKEN not in answer.text
            cookie = answer.headers["set-cookie"]
            assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", f"vagus_{page.port}="))
            inside = await http.get("/", headers={"Cookie": page.cookie})
            assert inside.status_code == 200
            assert TOKEN not in inside.text

    run(work)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "10.0.0.7:{port}"])
def test_a_name_that_was_made_to_point_here_is_refused(host: str) -> None:
    async def work() -> None:
        async with live() as page, page.http(Host=host.format(port=page.port), Cookie=page.cookie) as http:
            before = len(page.stand.requests)
            assert (await http.get("/")).status_code == 403
            assert (await http.post("/api/estop")).status_code == 403
            await asyncio.sleep(0.05)
            assert len(page.stand.requests) == before

    run(work)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}"])
def test_another_site_can_neither_open_a_socket_nor_post_even_with_the_cookie(origin: str) -> None:
    async def work() -> None:
        async with live() as page:
            foreign = origin.format(port=page.port)
            assert "web site" in await refused(page, origin=foreign)
            async with page.http(Origin=foreign, Cookie=page.cookie) as http:
                assert (await http.post("/api/estop")).status_code == 403
            await asyncio.sleep(0.05)
            assert page.stand.requests == []

    run(work)


def test_a_socket_without_an_origin_is_refused() -> None:
    async def work() -> None:
        async with live() as page:
            assert "Origin" in await refused(page, origin=None)

    run(work)


def test_headers_allow_nothing_from_elsewhere_nothing_inline_and_no_frame() -> None:
    async def work() -> None:
        async with live() as page, page.http(Cookie=page.cookie) as http:
            for path in ("/", "/static/js/app.js", "/nothing"):
                headers = (await http.get(path)).headers
                policy = headers["content-security-policy"]
                assert "default-src 'none'" in policy
                assert "frame-ancestors 'none'" in policy
                assert "unsafe" not in policy
                assert headers["x-content-type-options"] == "nosniff"
            html = (await http.get("/")).text
            block = html.split('<script type="importmap">')[1].split("</script>")[0]
            assert f"'sha256-{inline_hash(block)}'" in (await http.get("/")).headers["content-security-policy"]

    run(work)


def test_everything_the_page_loads_comes_from_itself() -> None:
    async def work() -> None:
        async with live() as page, page.http(Cookie=page.cookie) as http:
            html = (await http.get("/")).text
            assert "http://" not in html
            assert "https://" not in html
            for path in ("style.css", "js/app.js", "vendor/three/three.core.min.js", "vendor/uplot/uPlot.esm.js"):
                assert (await http.get(f"/static/{path}")).status_code == 200
            assert (await http.get("/static/../server.py")).status_code == 404

    run(work)


def test_the_emergency_stop_works_by_plain_post_with_the_token() -> None:
    async def work() -> None:
        async with live() as page, page.http(Authorization=f"Bearer {TOKEN}") as http:
            assert (await http.get("/api/estop")).status_code == 405
            assert page.stand.requests == []
            assert (await http.post("/api/estop")).status_code == 202
            await eventually(lambda: Request.ESTOP in page.stand.kinds())

    run(work)


def test_the_page_s_own_script_gets_in() -> None:
    async def work() -> None:
        async with live() as page, page.socket() as socket:
            assert (await until(socket, "hello"))["robot"] == "tester"
            await say(socket, type="say", text="wave")
            await eventually(lambda: page.stand.heard == ["wave"])

    run(work)


@pytest.mark.parametrize("token", ["", "short", "has a space in the middle", "semicolon;semicolon;", "가나다라" * 5])
def test_a_token_that_is_no_secret_or_no_cookie_is_refused(token: str) -> None:
    with pytest.raises(ConfigError, match="allowed"):
        Guard(token)
