"""What the built-in parser answers when it does not act, in Korean and English."""

from vagus.core.robot import RobotSpec
from vagus.decide.numbers import UNITS
from vagus.decide.plan import Language

_NEEDS: dict[str, tuple[str, str]] = {
    "arms": ("팔이", "arms"),
    "cameras": ("카메라가", "camera"),
    "neck": ("움직이는 목이", "neck"),
    "face": ("움직이는 얼굴이", "face"),
    "base": ("바퀴가", "wheels"),
}
SKILL_NEEDS: dict[str, tuple[str, ...]] = {
    "wave": ("arms",), "point": ("arms",), "look": ("neck",), "nod": ("neck",), "shake": ("neck",),
    "express": ("face",), "drive": ("base",), "pick": ("arms", "cameras"), "put_down": ("arms", "cameras"),
    "put_back": ("arms", "cameras"), "clear": ("arms", "cameras"), "place": ("arms", "cameras"),
    "hand_over": ("arms", "cameras"), "look_around": ("neck", "cameras"), "watch": ("neck", "cameras"),
}  # fmt: skip
"""Skill → the parts of the anatomy (fields of ``RobotSpec``) it needs; skills that need none are left out."""

_CAN: tuple[tuple[str, str, str], ...] = (
    ("wave", "손 흔들기", "wave"),
    ("point", '가리키기 ("위를 가리켜")', 'point ("point to the right")'),
    ("look", '쳐다보기 ("왼쪽 봐")', 'look ("look left")'),
    ("watch", '지켜보기 ("나를 계속 봐")', 'watch ("watch me")'),
    ("place", '놓기 ("초록 공을 하얀 그릇에 넣어", "제자리에 놔")', "put things down, back, or next to or into others"),
    ("hand_over", '건네주기 ("파란 컵 줘")', 'hand things over ("give me the blue cup")'),
    ("look_around", "둘러보기", "look around"),
    ("express", '표정 짓기 ("웃어 봐")', 'show a feeling ("smile")'),
    ("pick", '물건 집기 ("빨간 컵 집어")', 'pick things up ("pick up the red cup")'),
    ("drive", '이동하기 ("앞으로 50센티 가")', 'drive ("go forward half a metre")'),
    ("say", '말하기 ("안녕이라고 말해")', 'speak ("say hello")'),
    ("go_home", "기본 자세", "go home"),
    ("stop", "멈추기", "stop"),
)

FEELINGS: dict[str, tuple[str, tuple[str, str]]] = {
    "sad": ("sad", ("마음이 많이 힘드셨겠어요. 제가 곁에 있을게요.", "I am sorry to hear that. I am here for you.")),
    "happy": ("happy", ("정말 잘됐네요! 저도 기뻐요.", "That is wonderful! I am happy for you.")),
    "angry": ("sad", ("속상하셨겠어요. 화가 나실 만해요.", "That must have been upsetting.")),
    "afraid": ("sad", ("많이 걱정되시는군요. 제가 곁에 있을게요.", "That sounds frightening. I am here with you.")),
    "surprised": ("surprised", ("정말 놀라운 일이네요!", "What a surprise!")),
}  # fmt: skip
"""What a person feels → the feeling the robot shows and what it says; anger and fear are met with concern."""

_POLITE = {
    "greet": ("안녕하세요! 무엇을 도와드릴까요?", "Hello! What can I do for you?"),
    "thanks": ("도움이 되어 기뻐요.", "You are welcome."),
}


def language_of(text: str) -> Language:
    """Return Korean if there is any Hangul in the text."""
    return "ko" if any("가" <= c <= "힣" or "ㄱ" <= c <= "ㅣ" for c in text) else "en"


def lacks(spec: RobotSpec, skill: str) -> str | None:
    """Return the part of the anatomy (a key of ``_NEEDS``) this robot lacks for a skill, or None."""
    return next((part for part in SKILL_NEEDS.get(skill, ()) if not getattr(spec, part)), None)


def polite(what: str, language: Language) -> str:
    """Answer a greeting ("greet") or thanks ("thanks")."""
    return _POLITE[what][0 if language == "ko" else 1]


def harmful(language: Language) -> str:
    """Say that this may hurt somebody or break something."""
    if language == "ko":
        return "누군가 다치거나 물건이 망가질 수 있어서 하지 않겠습니다."
    return "I will not do that: somebody could get hurt, or something broken."


def impossible(spec: RobotSpec, language: Language) -> str:
    """Say that this is nothing it can do, and what is."""
    able = _able(spec, language)
    if language == "ko":
        return f"그건 제가 할 수 없는 일이라 아무것도 하지 않았습니다. 할 수 있는 것: {able}."
    return f"That is something I cannot do, so I did nothing. I can: {able}."


def which_thing(language: Language) -> str:
    """Ask which thing is meant."""
    return "어떤 물건을 말씀하시나요?" if language == "ko" else "Which thing do you mean?"


def _able(spec: RobotSpec, language: Language) -> str:
    return ", ".join(ko if language == "ko" else en for name, ko, en in _CAN if lacks(spec, name) is None)


def not_understood(spec: RobotSpec, language: Language, fragment: str) -> str:
    """Say that these words meant nothing, that nothing will be done, and what can be."""
    able = _able(spec, language)
    has_number = any(char.isdecimal() for char in fragment)
    if language == "ko":
        known = f" 아는 단위: {UNITS['ko']}." if has_number else ""
        return f'"{fragment}": 무슨 뜻인지 모르겠어서 아무것도 하지 않았습니다. 할 수 있는 것: {able}.{known}'
    known = f" Units I know: {UNITS['en']}." if has_number else ""
    return f'I did not understand "{fragment}", so I did nothing. I can: {able}.{known}'


def no_anatomy(language: Language, part: str) -> str:
    """Say which part of the body is missing."""
    ko, en = _NEEDS[part]
    return f"저에게는 {ko} 없어서 할 수 없습니다." if language == "ko" else f"I cannot do that: I have no {en}."


def lacks_arm(spec: RobotSpec, side: str) -> bool:
    """Say whether the robot lacks the arm of that side; a robot's only arm, unless it has a side itself, is both."""
    names = [arm.name for arm in spec.arms]
    is_only_one = len(names) == 1 and names[0] not in ("left", "right")
    return side not in names and not is_only_one


def no_arm(language: Language, side: str) -> str:
    """Say that this arm is missing."""
    if language == "ko":
        return f"저에게는 {'왼팔' if side == 'left' else '오른팔'}이 없어서 할 수 없습니다."
    return f"I cannot do that: I have no {side} arm."


def out_of_range(language: Language, got: float, low: float, high: float, unit: str) -> str:
    """Say that an amount is more or less than one command may ask for."""
    amount = f"{round(got, 2):,.12g}{unit}"
    if language == "ko":
        return f"{amount}: 한 번에 {low:g}~{high:g}{unit}만 할 수 있어서 아무것도 하지 않았습니다."
    return f"{amount} is not what I do at once, {low:g} to {high:g}{unit} is. I did nothing."


def negative(language: Language, fragment: str) -> str:
    """Ask which way a negative amount is meant."""
    if language == "ko":
        return (f'"{fragment}": 부호가 있는 양이라 아무것도 하지 않았습니다. 어느 쪽인가요? '
                '"뒤로 1미터 가"처럼 부호 없이 말해 주세요.')  # fmt: skip
    return (f'"{fragment}" has an amount with a sign, so I did nothing. Which way do you mean? '
            'Say it without one, such as "go back 1 metre".')  # fmt: skip
