"""The page's front desk: the browsers that are connected, what they ask for, and what they are shown.

It checks and passes on; whoever serves the page calls ``broadcast``, ``pictures``, ``figures`` and ``step`` at their
paces, in one thread. It opens no socket and reads no clock.
"""

import msgspec

from vagus.core import messages as m
from vagus.core.robot import RobotSpec
from vagus.page import wire, words
from vagus.page.client import Client
from vagus.page.figures import FiguresWatch
from vagus.page.teleop import RefusedError, Teleop
from vagus.page.watch import CameraWatch, PlanWatch, StateWatch, TalkWatch, ThingsWatch, hello
from vagus.streams.streams import Streams
from vagus.streams.table import SceneShape, stream_table

CLIENTS_MAX = 8
"""Pages that may be connected at once."""
_GARBAGE_COST = 12.0
"""A message that is not understood counts as this many: two dozen in a row close the connection."""


class FloodError(RefusedError):
    """A browser says more than any page would; its connection is closed."""


class Desk:
    """Everything the page does, without the network."""

    def __init__(self, spec: RobotSpec, streams: Streams, scene: object) -> None:
        """Open the streams. ``scene`` is the room's geometry, None on a robot that has no simulated room."""
        self._spec = spec
        self._scene = scene
        # Only the names and rates of the table are used here; the layouts are the streams' own business.
        shape = None if scene is None else SceneShape(nq=1, nmocap=1, nbody=1)
        self._table = stream_table(spec, shape)
        self._watch = StateWatch(spec, streams, has_scene=scene is not None)
        self._cameras = [CameraWatch(spec, streams, i) for i in range(len(spec.cameras))]
        self._things = ThingsWatch(spec, streams)
        self._plans = PlanWatch(streams)
        self._talk = TalkWatch(streams)
        self._figures = FiguresWatch(spec, streams, self._table)
        self._utterances = streams.writer("utterance.page")
        self._utterance_id = 0
        self.teleop = Teleop(spec, streams)
        self.clients: dict[int, Client] = {}
        self._poses: bytes | None = None
        self._pictures: list[bytes | None] = [None for _ in self._cameras]
        self._newest_page = 0

    def connect(self, now_ns: int) -> Client | None:
        """Let a browser in and leave it a hello; None when there are too many already."""
        if len(self.clients) >= CLIENTS_MAX:
            return None
        self._read_words(now_ns)
        self._newest_page += 1
        client = Client(self._newest_page)
        self.clients[client.page] = client
        greeting = hello(self._spec, self._table, self._scene, page=client.page, talk=self._talk.history(now_ns))
        client.put_words(wire.encode(greeting))
        client.put("plans", wire.encode(self._plans.told(now_ns)))
        if self._poses is not None:
            client.put("poses", self._poses)
        return client

    def disconnect(self, client: Client, now_ns: int) -> None:
        """Forget a browser. If it was in control, commands end at once."""
        self.clients.pop(client.page, None)
        self.teleop.release(client.page, now_ns)

    def receive(self, client: Client, frame: str | bytes, now_ns: int) -> None:
        """Do what a browser's frame asks, or leave it a sentence saying why not.

        Raises:
            FloodError: It sends more than any page would.
        """
        if not client.messages.spend(now_ns):
            if _is_estop(frame):
                self.estop(now_ns)  # a stop is heard through any noise
            raise FloodError("flood")
        if isinstance(frame, bytes):
            self._complain(client, RefusedError("binary"), now_ns)
            return
        try:
            message = wire.decode(frame)
        except (msgspec.MsgspecError, UnicodeError) as exc:
            self._complain(client, RefusedError("garbage", detail=exc), now_ns)
            return
        try:
            self._act(client, message, now_ns)
        except RefusedError as refusal:
            self._notice(client, refusal.code, refusal.details)

    def estop(self, now_ns: int) -> None:
        """Ask for an emergency stop at once, whoever asks."""
        self.teleop.estop(now_ns)

    def step(self, now_ns: int) -> None:
        """Let teleoperation take a step and pass on what it has to tell."""
        self.teleop.step(now_ns)
        for event in self.teleop.events:
            client = self.clients.get(event.page)
            if client is not None:
                self._notice(client, event.code, event.details)
        self.teleop.events.clear()

    def broadcast(self, now_ns: int) -> None:
        """Leave the newest state, body poses, plans and lines of talk for every page."""
        self._read_words(now_ns)
        watching = [c for c in self.clients.values() if c.is_visible]
        if not watching:
            return
        reflex = self._watch.reflex()
        granted = reflex is not None and self.teleop.is_granted(reflex)
        state = self._watch.state(now_ns, page=self.teleop.page, is_granted=granted)
        frame, poses = wire.encode(state), self._watch.poses()
        self._poses = poses or self._poses
        things = self._things.read(now_ns)
        for client in watching:
            client.put_state(state.n, frame)
            if things is not None:
                client.put("things", wire.encode(things))
            if poses is not None:
                client.put("poses", poses)

    def pictures(self, now_ns: int) -> None:
        """Leave new camera pictures for the pages that show them; nothing is encoded that nobody looks at."""
        for camera, watch in zip(self._spec.cameras, self._cameras, strict=True):
            watching = [c for c in self.clients.values() if c.is_visible and c.camera == camera.name]
            picture = watch.picture(now_ns) if watching else None
            for client in watching if picture is not None else ():
                client.put("picture", picture or b"")

    def figures(self, now_ns: int) -> None:
        """Leave rates, ages and process figures for every page. Counting goes on while nobody watches."""
        figures = self._figures.read(now_ns)
        watching = [c for c in self.clients.values() if c.is_visible]
        if watching:
            frame = wire.encode(figures)
            for client in watching:
                client.put("figures", frame)

    def _read_words(self, now_ns: int) -> None:
        plans = self._plans.read(now_ns)
        if plans is not None:
            frame = wire.encode(plans)
            for client in self.clients.values():
                client.put("plans", frame)
        talk = self._talk.read(now_ns)
        if talk is not None:
            frame = wire.encode(talk)
            for client in self.clients.values():
                client.put_words(frame)

    def _complain(self, client: Client, refusal: RefusedError, now_ns: int) -> None:
        if not client.messages.spend(now_ns, _GARBAGE_COST):
            raise FloodError("flood")
        self._notice(client, refusal.code, refusal.details)

    def _notice(
        self, client: Client, code: str, details: dict[str, object] | None = None, *, good: bool = False
    ) -> None:
        text = words.say(code, client.language, details)
        name = str(details["group"]) if details and "group" in details else None
        client.put_words(wire.encode(wire.Notice(code=code, text=text, is_error=not good, name=name)))

    def _act(self, client: Client, message: wire.ClientMessage, now_ns: int) -> None:
        page, teleop = client.page, self.teleop
        match message:
            case wire.Estop():
                self.estop(now_ns)
            case wire.Seen(n=n):
                client.seen(n)
            case wire.Keep():
                teleop.keep(page, now_ns)
            case wire.Jog(joint=joint, direction=direction, speed=speed):
                teleop.jog(page, joint, direction * speed, now_ns)
            case wire.Drive(v=v, w=w):
                teleop.drive(page, v, w, now_ns)
            case wire.Take():
                teleop.take(page, now_ns)
            case wire.Release():
                teleop.release(page, now_ns)
            case wire.Say(text=text):
                self._say(client, text, now_ns)
            case wire.Reset():
                self._reset(client, now_ns)
            case wire.SetLanguage(value=value):
                client.language = value
            case wire.Watch(visible=visible, camera=camera):
                self._look(client, visible, camera)

    def _say(self, client: Client, text: str, now_ns: int) -> None:
        if not text.strip():
            raise RefusedError("empty_say")
        if not client.sentences.spend(now_ns):
            raise RefusedError("say_too_fast")
        self._utterance_id = max(self._utterance_id + 1, now_ns)
        record = m.blank(m.text(self._spec))
        record["stamp_ns"], record["id"] = now_ns, self._utterance_id
        m.set_text(record, text.strip())
        self._utterances.publish(record)

    def _reset(self, client: Client, now_ns: int) -> None:
        if self._watch.is_at_rest(now_ns) is not True:
            raise RefusedError("not_at_rest")
        self.teleop.reset(now_ns)
        self._notice(client, "reset_sent", good=True)

    def _look(self, client: Client, visible: bool, camera: str | None) -> None:
        names = [c.name for c in self._spec.cameras]
        if camera is not None and camera not in names:
            raise RefusedError("no_camera", got=camera, allowed=", ".join(names) or "none")
        client.is_visible, client.camera = visible, camera


def _is_estop(frame: str | bytes) -> bool:
    try:
        return isinstance(wire.decode(frame), wire.Estop)
    except (msgspec.MsgspecError, UnicodeError):
        return False
