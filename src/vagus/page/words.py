"""The server's own sentences, in English and Korean; the front end has its own table."""

from vagus.page.wire import MAX_SAY, Language

_WORDS: dict[str, dict[Language, str]] = {
    "garbage": {
        "en": "That message was not understood: {detail}. Nothing was done.",
        "ko": "알아들을 수 없는 메시지입니다: {detail}. 아무것도 하지 않았습니다.",
    },
    "binary": {
        "en": "Got a binary message, allowed: JSON text. Nothing was done.",
        "ko": "이진 메시지를 받았습니다. JSON 텍스트만 받습니다. 아무것도 하지 않았습니다.",
    },
    "empty_say": {
        "en": f"There is nothing to say: got only spaces, allowed: 1 to {MAX_SAY} characters.",
        "ko": f"전할 말이 없습니다. 1자에서 {MAX_SAY}자까지 쓸 수 있습니다.",
    },
    "say_too_fast": {
        "en": "The robot cannot follow that fast. Please wait a moment.",
        "ko": "로봇이 따라가기에 너무 빠릅니다. 잠시 기다려 주세요.",
    },
    "no_camera": {
        "en": "There is no camera {got!r}; there are: {allowed}.",
        "ko": "{got!r} 카메라는 없습니다. 있는 카메라: {allowed}.",
    },
    "no_joint": {
        "en": "There is no joint {got!r} to jog; allowed: {allowed}.",
        "ko": "움직일 수 있는 관절 {got!r}이(가) 없습니다. 있는 관절: {allowed}.",
    },
    "no_base": {
        "en": "This robot has no wheels to drive.",
        "ko": "이 로봇에는 움직일 바퀴가 없습니다.",
    },
    "not_yours": {
        "en": "You are not in control. Press “Take control” first.",
        "ko": "지금은 조종할 수 없습니다. 먼저 ‘조종 시작’을 누르세요.",
    },
    "taken": {
        "en": "Page {page} is in control. Wait until it lets go.",
        "ko": "{page}번 페이지가 조종하고 있습니다. 놓을 때까지 기다려 주세요.",
    },
    "estopped": {
        "en": "The robot is in emergency stop. A person must reset it first.",
        "ko": "로봇이 비상 정지 상태입니다. 먼저 사람이 해제해야 합니다.",
    },
    "silent": {
        "en": "The reflex is silent, so nothing can be moved.",
        "ko": "반사 제어기가 응답하지 않아 움직일 수 없습니다.",
    },
    "no_reading": {
        "en": "There is no valid reading of {group}, so it cannot be moved.",
        "ko": "{group}의 측정값이 올바르지 않아 움직일 수 없습니다.",
    },
    "group_stopped": {
        "en": "The reflex stopped {group}. Let go, then press again.",
        "ko": "반사 제어기가 {group}을(를) 멈췄습니다. 손을 뗐다가 다시 누르세요.",
    },
    "lapsed": {
        "en": "Control was given back: no sign of life from your page for {seconds:g} s.",
        "ko": "조종을 돌려주었습니다. {seconds:g}초 동안 페이지에서 신호가 없었습니다.",
    },
    "reset_sent": {
        "en": "Reset sent. The robot leaves the emergency stop once it is at rest.",
        "ko": "해제를 보냈습니다. 로봇이 완전히 멈추면 비상 정지가 풀립니다.",
    },
    "not_estopped": {
        "en": "The robot is not in emergency stop; there is nothing to reset.",
        "ko": "비상 정지 상태가 아니므로 해제할 것이 없습니다.",
    },
    "not_at_rest": {
        "en": "The robot is not known to be at rest yet, so the emergency stop stays.",
        "ko": "로봇이 멈췄다는 것이 아직 확인되지 않아 비상 정지를 유지합니다.",
    },
}


Details = dict[str, object]


def say(code: str, language: Language, details: Details | None = None) -> str:
    """Return one sentence. Details that came from outside are cut short before they are quoted."""
    short = {k: v if len(str(v)) <= 200 else f"{str(v)[:200]}…" for k, v in (details or {}).items()}
    return _WORDS[code][language].format(**short)


def codes() -> list[str]:
    """Return every sentence's code."""
    return list(_WORDS)


def languages(code: str) -> list[str]:
    """Return the languages a sentence exists in."""
    return list(_WORDS[code])
