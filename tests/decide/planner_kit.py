"""The host's repertoire, a table with three things, and a model that says what it is told to say."""

from collections.abc import Callable, Sequence
from typing import Any

from vagus.body.load import load_robot
from vagus.core.errors import PlannerError
from vagus.decide.advice import Ask, SeenThing
from vagus.decide.planner import Completion
from vagus.decide.prompt import Message
from vagus.runtime.planning import repertoire
from vagus.runtime.prepare import host_file

SPEC = load_robot(host_file()).spec
SKILLS = repertoire(SPEC)
TABLE = (
    SeenThing(id=3, shape="cup", colour="red", side="left", reach="near", height_cm=9, board=1),
    SeenThing(id=4, shape="ball", colour="green", side="right", reach="far", height_cm=7, board=2),
    SeenThing(id=7, shape="box", colour="blue", side="middle", reach="near", height_cm=12),
)
NUMBERS = (3, 4, 7)
PICK = '{"steps": [{"skill": "pick", "thing": 3}], "say": ""}'


def ask(text: str, **more: Any) -> Ask:
    """Return an ask before the table."""
    return Ask(**{"id": 9, "deadline_ns": 10**10, "text": text, "language": "en", "things": TABLE} | more)


class Told:
    """A model that answers what it was made with, and keeps what it was asked."""

    def __init__(self, text: str | None, tokens: tuple[int, int] | None = (900, 20)) -> None:
        self.text, self.tokens = text, tokens
        self.chats: list[Sequence[Message]] = []
        self.schemas: list[dict[str, Any]] = []

    def complete(
        self, chat: Sequence[Message], schema: dict[str, Any], *, seconds_max: float, is_unwanted: Callable[[], bool]
    ) -> Completion:
        """See ``Model``; without a text it is down."""
        self.chats.append(chat)
        self.schemas.append(schema)
        if self.text is None:
            raise PlannerError("model: it is down")
        prompt, completion = self.tokens or (None, None)
        return Completion(text=self.text, prompt_tokens=prompt, completion_tokens=completion)

    def close(self) -> None:
        """Hold nothing."""
