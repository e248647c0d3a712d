"""The live connection: what pages are told, what they may send, floods, slow readers, vanishing mid-jog."""

import asyncio
import contextlib
import math

import pytest
from page_live import close_of, eventually, frames, live, run, say, until
from page_stand import SCENE, TOKEN, Stand
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from vagus.core.errors import ConfigError
from vagus.core.messages import Request, Source
from vagus.page.client import AHEAD_MAX
from vagus.page.server import bind, create_app, serve


def test_hello_describes_the_robot_and_states_follow() -> None:
    async def work() -> None:
        async with live() as page, page.socket() as socket:
            hello = await until(socket, "hello")
            assert [j["name"] for j in hello["joints"]] == list(page.stand.spec.joint_names)
            assert hello["joints"][0]["range"] is None, "a wheel has no range"
            assert hello["scene"]["bodies"] == ["world", "base", "arm"]
            state = await until(socket, "state")
            assert state["q"][3] == pytest.approx(0.5)
            assert state["is_at_rest"] is True
            assert state["ages_s"][0] == pytest.approx(0.004)
            assert state["ages_s"][1:] == [None, None], "sensors that no command used have no age"

    run(work)


def test_rates_and_processes_are_measured() -> None:
    async def work() -> None:
        async with live() as page, page.socket() as socket:
            hello = await until(socket, "hello")
            figures = await until(socket, "figures", lambda f: f["processes"] and f["processes"][0]["cpu"] is not None)
            rate = figures["streams"][[s["name"] for s in hello["streams"]].index("reflex")][0]
            assert 20 < rate <= 101
            assert figures["processes"][0]["name"] == "reflex"
            assert figures["processes"][0]["pid"] == 4242

    run(work)


def test_a_picture_is_sent_only_to_a_page_that_asks_for_it() -> None:
    async def pictures(socket: ClientConnection, seconds: float) -> list[bytes]:
        return [f for f in await frames(socket, seconds) if isinstance(f, bytes) and f[0] == 2]

    async def work() -> None:
        async with live(camera=True) as page, page.socket() as socket:
            assert await pictures(socket, 0.4) == []
            await say(socket, type="watch", visible=True, camera="camera.head")
            await say(socket, type="seen", n=10_000)
            found = await pictures(socket, 0.5)
            assert found
            assert found[0][24:26] == b"\xff\xd8", "a JPEG"

    run(work)


def test_a_reader_that_acknowledges_nothing_is_sent_a_few_states_and_no_more() -> None:
    async def work() -> None:
        async with live() as page, page.socket() as socket:
            await asyncio.sleep(1.0)  # 20 states are made meanwhile
            client = next(iter(page.app.page_desk.clients.values()))
            assert client.is_behind
            assert client.dropped > 8
            sent = [f for f in await frames(socket, 0.3) if isinstance(f, str) and '"type":"state"' in f]
            assert len(sent) == AHEAD_MAX

    run(work)


def test_a_client_that_vanishes_mid_jog_ends_commands_at_once() -> None:
    async def work() -> None:
        async with live() as page:
            async with page.socket() as socket:
                await say(socket, type="take")
                await eventually(lambda: page.stand.holder == [Source.TELEOP] * 3)
                for _ in range(4):
                    await say(socket, type="jog", joint="left_elbow", direction=1, speed=1.0)
                    await asyncio.sleep(0.1)
                assert page.stand.commands
                socket.transport.abort()  # no closing handshake: the cable is pulled
            await eventually(lambda: Request.RELEASE in page.stand.kinds())
            before = len(page.stand.commands)
            await asyncio.sleep(0.3)
            assert len(page.stand.commands) == before
            assert page.app.page_desk.teleop.page is None

    run(work)


def test_the_second_page_is_told_who_holds_control_and_can_still_stop() -> None:
    async def work() -> None:
        async with live() as page, page.socket() as first, page.socket() as second:
            await say(first, type="take")
            await until(second, "state", lambda s: s["control"]["page"] == 1)
            await say(second, type="take")
            assert "Page 1" in (await until(second, "notice"))["text"]
            await say(second, type="jog", joint="left_elbow", direction=1)
            assert (await until(second, "notice"))["code"] == "not_yours"
            assert page.stand.commands == []
            await say(second, type="estop")
            await eventually(lambda: Request.ESTOP in page.stand.kinds())

    run(work)


def test_reset_leaves_the_emergency_stop_only_at_rest() -> None:
    async def work() -> None:
        async with live() as page, page.socket() as socket:
            await say(socket, type="estop")
            await eventually(lambda: Request.ESTOP in page.stand.kinds())
            page.stand.v[2] = 0.5
            await asyncio.sleep(0.05)
            await say(socket, type="reset")
            assert (await until(socket, "notice", lambda n: n["is_error"]))["code"] == "not_at_rest"
            assert Request.RESET not in page.stand.kinds()
            page.stand.v[2] = 0.0
            await asyncio.sleep(0.05)
            await say(socket, type="reset")
            await eventually(lambda: Request.RESET in page.stand.kinds())

    run(work)


def test_a_flood_is_closed_with_a_reason_and_others_stay() -> None:
    async def work() -> None:
        async with live() as page, page.socket() as other, page.socket() as socket:
            with contextlib.suppress(ConnectionClosed):
                for _ in range(3000):
                    await socket.send('{"type":"keep"}')
            code, reason = await close_of(socket)
            assert (code, reason[:8]) == (1008, "too many")
            assert (await until(other, "state"))["type"] == "state"

    run(work)


def test_a_frame_over_16_kib_closes_the_connection_and_reaches_nobody() -> None:
    async def work() -> None:
        async with live() as page, page.socket() as socket:
            await socket.send('{"type":"say","text":"' + "a" * 17_000 + '"}')
            assert (await close_of(socket))[0] == 1009
            await asyncio.sleep(0.05)
            assert page.stand.heard == []

    run(work)


def test_the_ninth_page_is_asked_to_wait() -> None:
    async def work() -> None:
        async with live() as page:
            sockets = [await page.socket() for _ in range(8)]
            ninth = await page.socket()
            code, reason = await close_of(ninth)
            assert code == 1013
            assert "8 pages" in reason
            for socket in sockets:
                await socket.close()

    run(work)


def test_talk_reaches_every_page_and_pages_that_come_later() -> None:
    async def work() -> None:
        async with live() as page, page.socket() as first:
            await say(first, type="say", text="  손 흔들어 줘 ")
            lines = (await until(first, "talk"))["lines"]
            assert [(line["who"], line["text"]) for line in lines] == [("person", "손 흔들어 줘")]
            page.stand.publish_words("say", "네!")
            assert (await until(first, "talk"))["lines"][0]["who"] == "robot"
            async with page.socket() as second:
                history = (await until(second, "hello"))["talk"]
                assert [line["text"] for line in history] == ["손 흔들어 줘", "네!"]

    run(work)


def test_a_robot_without_a_simulated_room_says_so() -> None:
    async def work() -> None:
        async with live(Stand(has_scene=False)) as page, page.socket() as socket:
            assert (await until(socket, "hello"))["scene"] is None
            assert math.isfinite((await until(socket, "state"))["q"][3])

    run(work)


def test_readings_that_stop_coming_are_shown_as_missing() -> None:
    async def work() -> None:
        async with live() as page, page.socket() as socket:
            await until(socket, "state")
            page.stand.is_silent = True
            state = await until(socket, "state", lambda s: s["joint_age_s"] > 1.0)
            assert state["q"] == [None] * 5
            assert state["is_at_rest"] is None
            assert state["groups"] == []

    run(work)


def test_a_taken_port_is_named_with_the_way_out() -> None:
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} .*--page-port"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("0.0.0.0", 8808), ("::", 8808), ("127.0.0.1", 70000), ("127.0.0.1", -1)])
def test_an_address_for_others_or_an_impossible_port_is_refused(host: str, port: int) -> None:
    with pytest.raises(ConfigError, match="allowed"):
        bind(host, port)


def test_an_impossible_port_is_answered_with_what_0_means_at_the_command_line() -> None:
    with pytest.raises(ConfigError, match="--page-port: got 70000, allowed: 1 to 65535, or 0 for no page"):
        bind("127.0.0.1", 70000)


def test_an_error_in_the_clockwork_ends_the_server_and_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    stand = Stand()
    app = create_app(spec=stand.spec, streams=stand.streams, scene=SCENE, token=TOKEN, clock=lambda: stand.now_ns)

    def broken(now_ns: int) -> None:
        raise RuntimeError("stream lost")

    monkeypatch.setattr(app.page_desk, "broadcast", broken)
    with pytest.raises(ExceptionGroup, match="unhandled"):
        serve(app, "127.0.0.1", 0)
