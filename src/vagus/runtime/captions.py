"""The pictures of a film: the room from outside, the robot's picture with what it perceives, its plan, what was said.

Drawn with Pillow in a font that a package ships (Noto Sans KR), by its own simple layout: the same on every machine.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from vagus.core.errors import ConfigError
from vagus.decide.plan import Language
from vagus.page.plan import Plan, PlanStep
from vagus.runtime.story import Mark, Moment

Font = ImageFont.FreeTypeFont
Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom [px]."""

WIDTH, HEIGHT = 1280, 720
ROOM_WIDTH = 848
"""The room fills the left of the film, as high as it is [px]."""
_SIDE, _PAD = WIDTH - ROOM_WIDTH, 20
_PICTURE_HEIGHT = _SIDE * 3 // 4
"""Of the robot's picture, at the top right; one of another shape has bars [px]."""
_BACK, _CARD, _INK, _QUIET = (16, 21, 27), (28, 35, 44), (232, 237, 243), (154, 167, 181)
_SEEN, _ABOUT = (53, 224, 208), (255, 194, 51)  # as on the page
_COLOURS = {
    "looking": (127, 182, 245), "running": (127, 182, 245), "done": (88, 214, 141), "failed": (255, 138, 128),
    "refused": (240, 182, 74), "asking": (240, 182, 74), "waiting": _QUIET,
}  # fmt: skip
_MARKS = {
    "looking": "…", "running": "▶", "done": "✓", "failed": "×", "refused": "⊘", "asking": "?", "waiting": "○",
}  # fmt: skip
_STATES = {
    "ko": {
        "looking": "찾는 중", "running": "하는 중", "done": "완료", "failed": "실패", "refused": "하지 않음",
        "asking": "질문",
    },
    "en": {
        "looking": "Looking", "running": "Under way", "done": "Done", "failed": "Failed", "refused": "Will not do it",
        "asking": "Asks you",
    },
}  # fmt: skip
_PLAN, _BLIND = {"ko": "계획", "en": "Plan"}, {"ko": "지금 카메라 영상이 없습니다", "en": "No camera picture now"}
_EYE = {"ko": "로봇이 보는 것", "en": "What the robot sees"}


class Captions:
    """Puts one picture of a film together. What did not change since the last one is not drawn again."""

    def __init__(self) -> None:
        """Load the font.

        Raises:
            ConfigError: The package that ships it is not installed.
        """
        try:
            from pylopdf_fonts_ko import sans_path
        except ImportError as exc:
            raise ConfigError("--video needs a font with Hangul: pip install 'vagus[video]'") from exc
        path = str(sans_path())
        self._large, self._middle, self._small = (
            ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC) for size in (24, 20, 16)
        )
        self._plan_of: tuple[Plan | None, Language] | None = None
        self._plan = Image.new("RGB", (0, 0))

    def compose(self, room: Pixels, moment: Moment) -> Pixels:
        """Return a picture (HEIGHT, WIDTH, 3) of the film, from one of the room (HEIGHT, ROOM_WIDTH, 3)."""
        film = Image.new("RGB", (WIDTH, HEIGHT), _BACK)
        film.paste(Image.fromarray(room), (0, 0))
        self._subtitle(film, moment)
        film.paste(self._eye(moment), (ROOM_WIDTH, 0))
        if self._plan_of != (moment.plan, moment.language):
            self._plan_of = (moment.plan, moment.language)
            self._plan = self._draw_plan(moment.plan, moment.language)
        film.paste(self._plan, (ROOM_WIDTH, _PICTURE_HEIGHT))
        return np.asarray(film)

    def _subtitle(self, film: Image.Image, moment: Moment) -> None:
        rows: list[tuple[str, Font, tuple[int, int, int]]] = []
        width = ROOM_WIDTH - 4 * _PAD
        if moment.heard:
            heard = wrapped(f"“{moment.heard}”", self._large, width, 2)
            rows += [(line, self._large, _INK) for line in heard]
        rows += [(line, self._middle, _SEEN) for line in wrapped(moment.said, self._middle, width, 2)]
        if not rows:
            return
        height = sum(_line(font) for _, font, _ in rows) + _PAD
        top = HEIGHT - height - _PAD
        shade = Image.new("L", (ROOM_WIDTH - 2 * _PAD, height), 0)
        ImageDraw.Draw(shade).rounded_rectangle((0, 0, ROOM_WIDTH - 2 * _PAD - 1, height - 1), 12, fill=205)
        film.paste(_BACK, (_PAD, top), shade)
        pen, y = ImageDraw.Draw(film), top + _PAD // 2
        for line, font, colour in rows:
            pen.text((2 * _PAD, y), line, colour, font)
            y += _line(font)

    def _eye(self, moment: Moment) -> Image.Image:
        box = Image.new("RGB", (_SIDE, _PICTURE_HEIGHT), _BACK)
        pen = ImageDraw.Draw(box)
        if moment.picture is None:
            pen.text((_PAD, _PICTURE_HEIGHT // 2), _BLIND[moment.language], _QUIET, self._small)
            return box
        height, width = moment.picture.shape[:2]
        scale = min(_SIDE / width, _PICTURE_HEIGHT / height)
        size = (round(scale * width), round(scale * height))
        left, top = (_SIDE - size[0]) // 2, (_PICTURE_HEIGHT - size[1]) // 2
        box.paste(Image.fromarray(moment.picture).resize(size, Image.Resampling.BILINEAR), (left, top))
        self._mark(pen, moment.marks, scale, (left, top))
        pen.text((_PAD // 2, 4), _EYE[moment.language], _INK, self._small, stroke_width=2, stroke_fill=_BACK)
        return box

    def _mark(self, pen: ImageDraw.ImageDraw, marks: Sequence[Mark], scale: float, at: tuple[int, int]) -> None:
        """Draw outlines, and names above or below them where no other is; what the plan is about comes first."""
        taken: list[Box] = [(0.0, 0.0, float(_SIDE), 1.5 * _line(self._small))]  # the picture's own title
        for mark in sorted(marks, key=lambda mark: not mark.is_about):
            colour = _ABOUT if mark.is_about else _SEEN
            left, right = (at[0] + scale * x for x in mark.box[::2])
            top, bottom = (at[1] + scale * y for y in mark.box[1::2])
            pen.rectangle((left - 2, top - 2, right + 2, bottom + 2), outline=colour, width=4 if mark.is_about else 2)
            name = f"▶ {mark.name}" if mark.is_about else mark.name
            width, height = self._small.getlength(name), float(_line(self._small))
            x = max(0.0, min(left - 2, _SIDE - width - 4))
            places = [(x, y, x + width, y + height) for y in (top - height - 2, bottom + 2)]
            free = next((place for place in places if not any(_overlap(place, other) for other in taken)), None)
            if free is not None:
                taken.append(free)
                ink = colour if mark.is_about else _INK
                pen.text(free[:2], name, ink, self._small, stroke_width=2, stroke_fill=_BACK)

    def _draw_plan(self, plan: Plan | None, language: Language) -> Image.Image:
        card = Image.new("RGB", (_SIDE, HEIGHT - _PICTURE_HEIGHT), _CARD)
        pen = ImageDraw.Draw(card)
        pen.text((_PAD, 12), _PLAN[language], _QUIET, self._small)
        if plan is None:
            return card
        colour, width = _COLOURS[plan.state], _SIDE - 2 * _PAD
        badge = f"{_MARKS[plan.state]} {_STATES[language][plan.state]}"
        pen.text((_SIDE - _PAD - self._small.getlength(badge), 12), badge, colour, self._small)
        y = 16 + _line(self._small)
        for words, ink, font, lines in ((plan.words, _INK, self._large, 3), (plan.why, colour, self._middle, 4)):
            for line in wrapped(words, font, width, lines):
                pen.text((_PAD, y), line, ink, font)
                y += _line(font)
        self._steps(pen, plan.steps, y + 8)
        return card

    def _steps(self, pen: ImageDraw.ImageDraw, steps: Sequence[PlanStep], y: int) -> None:
        """Draw as many steps as there is room for: from the one before the first that is not done."""
        font = self._middle
        room = (HEIGHT - _PICTURE_HEIGHT - y - 8) // _line(font)
        now = next((k for k, step in enumerate(steps) if step.state != "done"), len(steps))
        first = max(0, min(now - 1, len(steps) - room))
        for step in steps[first : first + room]:
            colour = _COLOURS[step.state]
            pen.text((_PAD, y), _MARKS[step.state], colour, font)
            (line,) = wrapped(step.text or step.skill, font, _SIDE - 2 * _PAD - 30, 1) or [""]
            pen.text((_PAD + 30, y), line, _QUIET if step.state == "waiting" else _INK, font)
            y += _line(font)


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _line(font: Font) -> int:
    """Return the height of a line [px]."""
    return round(font.size * 1.4)


def wrapped(text: str, font: Font, width: int, lines_max: int) -> list[str]:
    """Return text in lines no wider than ``width`` [px], broken between words, or within one that is wider than a line.

    What does not fit in ``lines_max`` lines is cut, and ends in "…".
    """
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(joined) <= width:
            lines[-1] = joined
        else:
            lines += _pieces(word, font, width)
    if len(lines) > lines_max:
        lines = lines[:lines_max]
        while font.getlength(f"{lines[-1]}…") > width:
            lines[-1] = lines[-1][:-1]
        lines[-1] += "…"
    return lines


def _pieces(word: str, font: Font, width: int) -> list[str]:
    pieces = [""]
    for letter in word:
        if pieces[-1] and font.getlength(pieces[-1] + letter) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces
