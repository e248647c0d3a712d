"""What a robot says about how a skill ended, in Korean and English."""

from vagus.act.skill import Language, Outcome, SkillSpec, Text

REASONS: dict[str, Text] = {
    # success
    "done": Text("다 했습니다.", "done."),
    "at_rest": Text("멈췄습니다.", "I have stopped."),
    # the skill itself failed
    "not_at_rest": Text("아직 완전히 멈추지 않았습니다.", "I am not yet at rest."),
    "not_reached": Text(
        "해 봤지만 측정해 보니 제대로 되지 않았습니다.", "I tried, but my sensors say it did not work."
    ),
    "out_of_reach": Text("거기까지는 닿지 않습니다.", "that is out of my reach."),
    "not_seen": Text("보이지 않습니다.", "I do not see it."),
    "lost_sight": Text("이제 보이지 않습니다.", "I have lost sight of it."),
    "missed": Text("잡으려 했지만 손에 잡히지 않았습니다.", "I closed my hand, but there was nothing in it."),
    "moved": Text("잡으러 가는 동안 그것이 움직였습니다.", "it moved while I reached for it."),
    "bumped": Text("잡기 전에 손가락이 무언가에 부딪혀 물러났습니다.", "a finger ran into something, so I drew back."),
    "lost_it": Text("들고 있다가 놓쳤습니다.", "it slipped out of my hand."),
    "empty_handed": Text("제 손에는 아무것도 없습니다.", "there is nothing in my hands."),
    "not_known": Text("손에 무엇이 있는지 몰라서 그대로 들고 있습니다.", "I do not know what I hold, so I keep it."),
    "no_place": Text("놓을 만한 빈 자리가 없어서 그대로 들고 있습니다.", "I find no free place for it, so I keep it."),
    "no_other_board": Text(
        "치워 둘 다른 곳이 보이지 않아서 그대로 들고 있습니다.", "I see nowhere else to put it, so I keep it."
    ),
    "place_taken": Text(
        "그 자리에 다른 것이 있어서 그대로 들고 있습니다.", "something else is there now, so I keep it."
    ),
    "does_not_fit": Text("그러기에는 너무 커서 그대로 들고 있습니다.", "it is too big for that, so I keep it."),
    "not_flat": Text(
        "그 위에는 안정되게 놓을 수 없어서 그대로 들고 있습니다.", "it would not stay on that, so I keep it."
    ),
    "not_a_bowl": Text("안에 담을 수 있는 그릇이 아닙니다.", "nothing can be put into that."),
    "not_in_hand": Text("그것은 제 손에 없습니다.", "that is in none of my hands."),
    "in_hand": Text("그것은 지금 제 손에 있습니다.", "that is what I hold."),
    "target_gone": Text(
        "놓을 곳의 물건이 이제 보이지 않아 그대로 들고 있습니다.", "I no longer see where to put it, so I keep it."
    ),
    "not_seen_there": Text(
        "손에서 놓았지만 그 자리에서 보이지 않습니다.", "I let go of it, but I do not see it there."
    ),
    "not_there": Text("손에서 놓았지만 조금 떨어진 곳에 있습니다.", "I let go of it, but it is some way off."),
    "fell_over": Text("놓았는데 넘어졌습니다.", "I put it there, but it fell over."),
    "nobody": Text("주위에 아무도 보이지 않습니다.", "I see nobody here."),
    "not_taken": Text("아무도 손을 내밀지 않아서 그대로 들고 있습니다.", "nobody held out a hand, so I keep it."),
    "withdrawn": Text(
        "내민 손이 느껴지지 않아서 그대로 들고 있습니다.", "I did not feel the hand any more, so I keep it."
    ),
    "no_free_path": Text("어딘가에 부딪히지 않고는 갈 수 없습니다.", "I cannot get there without touching something."),
    "face_too_simple": Text("제 얼굴로는 그 표정을 지을 수 없습니다.", "my face cannot show that."),
    "blocked": Text("앞에 무언가 있어서 멈췄습니다.", "something is in the way, so I stopped."),
    "blind": Text("라이다 값이 오지 않아 움직이지 않았습니다.", "my lidar is silent, so I did not move."),
    "no_odometry": Text("제 위치를 알 수 없어 움직이지 않았습니다.", "I cannot tell how far I move, so I did not."),
    "error": Text("할 수 없었습니다:", "that was not possible:"),  # the outcome's detail follows
    # it was ended from outside
    "not_granted": Text("움직일 권한을 받지 못했습니다.", "I was not given the right to move."),
    "emergency_stop": Text("비상 정지되었습니다.", "the emergency stop ended it."),
    "preempted": Text("다른 조종자가 넘겨받았습니다.", "someone else took over."),
    "contact": Text("무언가에 걸려서 멈췄습니다.", "something held me, so I stopped."),
    "stopped": Text("안전 장치가 멈췄습니다.", "the safety gate stopped it."),
    "cancelled": Text("취소했습니다.", "cancelled."),
    "replaced": Text("다음 동작을 위해 그만두었습니다.", "I gave it up for the next one."),
    "timeout": Text("시간이 너무 오래 걸려 그만두었습니다.", "it took too long, so I gave up."),
    "no_readings": Text("제 관절 값이 오지 않습니다.", "my joint readings have stopped."),
}
"""Every reason an ``Outcome`` may carry."""


def sentence(skill: SkillSpec, outcome: Outcome, language: Language) -> str:
    """Return one sentence about an outcome, such as "Wave: done."."""
    return f"{skill.text.of(language)}: {REASONS[outcome.reason].of(language)} {outcome.detail}".rstrip()
