"""Leases by the gate: requests, expiry, taking over, and what sources see of it."""

import pytest
from reflex_rig import ARM, HEAD, LEFT, MS, NECK, RIGHT, SHOULDER, TICK, Rig

from vagus.core.messages import Request, Source, State, Verdict
from vagus.reflex.cfg import GateCfg

SECOND = 10**9


def test_a_lease_is_seen_in_the_reflex_stream() -> None:
    rig = Rig().leased(groups=0b01001)
    assert [rig.holder(g) for g in range(5)] == [Source.SKILL, 0, 0, Source.SKILL, 0]
    assert rig.reflex["lease_nonce"].tolist() == [rig.nonce, 0, 0, rig.nonce, 0]
    assert rig.reflex["lease_until_ns"].tolist() == [rig.now + 10 * SECOND, 0, 0, rig.now + 10 * SECOND, 0]
    assert rig.reflex["lease"][ARM] != rig.reflex["lease"][HEAD]
    assert rig.state() == State.HOLD


@pytest.mark.parametrize(("asked", "got"), [(10 * SECOND, 10 * SECOND), (10 * SECOND + 1, 10 * SECOND), (1, 1)])
def test_a_lease_is_at_most_ten_seconds(asked: int, got: int) -> None:
    rig = Rig().leased(duration_ns=asked)
    assert rig.reflex["lease_until_ns"][ARM] == rig.now + got


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        (Source.OPERATOR, {}),
        (Source.SKILL, {"duration_ns": 0}),
        (Source.SKILL, {"duration_ns": -5}),
        (Source.SKILL, {"groups": 0b100001}),
        (Source.SKILL, {"groups": 2**32 - 1}),
        (Source.SKILL, {"stamp_ns": 0}),
        (Source.SKILL, {"stamp_ns": 2**62}),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(source: Source, changes: dict[str, int]) -> None:
    rig = Rig().hold()
    rig.tick((source, rig.request(Request.LEASE, **changes)))
    assert not rig.reflex["lease"].any()
    assert rig.verdict() == Verdict.REFUSED_STATE
    assert rig.memory.refused == 1


@pytest.mark.parametrize("kind", [0, 5, 99])
def test_an_unknown_request_is_refused(kind: int) -> None:
    rig = Rig().hold()
    rig.tick((Source.SKILL, rig.request(kind)))
    assert (rig.verdict(), rig.memory.refused, rig.state()) == (Verdict.REFUSED_STATE, 1, State.HOLD)


def test_a_refusal_marks_only_the_asked_groups() -> None:
    rig = Rig().hold()
    rig.tick((Source.SKILL, rig.request(Request.LEASE, 0b00001, duration_ns=0)))
    assert (rig.verdict(), rig.verdict(HEAD)) == (Verdict.REFUSED_STATE, Verdict.NONE)


@pytest.mark.parametrize(
    ("age", "holder"),
    [(SECOND, Source.SKILL), (SECOND + 1, 0), (-2 * MS, Source.SKILL), (-2 * MS - 1, 0)],
)
def test_the_age_of_a_lease_request_is_exact(age: int, holder: int) -> None:
    rig = Rig().hold()
    rig.tick((Source.SKILL, rig.request(Request.LEASE, stamp_ns=rig.now + TICK - age)))
    assert rig.holder() == holder


def test_a_lease_ends_on_time_and_its_group_stops() -> None:
    rig = Rig().leased(duration_ns=400 * MS)
    end = rig.now + 400 * MS
    while rig.state() != State.STOPPING:
        assert rig.now < end
        rig.run_on()
    assert rig.now == end
    assert (rig.cause(), rig.holder()) == (Verdict.STOPPED_LEASE_END, Source.NOBODY)
    assert (rig.state(HEAD), rig.cause(HEAD), rig.holder(HEAD)) == (State.HOLD, Verdict.NONE, Source.NOBODY)


def test_a_renewal_keeps_the_token_and_moves_the_end() -> None:
    rig = Rig().running()
    token = rig.reflex["lease"][ARM]
    rig.tick((Source.SKILL, rig.request(Request.LEASE)))
    assert (rig.state(), rig.reflex["lease"][ARM]) == (State.RUN, token)
    assert rig.reflex["lease_until_ns"][ARM] == rig.now + 10 * SECOND
    assert rig.reflex["lease_nonce"][ARM] == rig.nonce


def test_a_release_stops_what_runs_and_frees_what_holds() -> None:
    rig = Rig().running()
    rig.tick((Source.SKILL, rig.request(Request.RELEASE, stamp_ns=0)))
    assert (rig.state(), rig.cause(), rig.holder()) == (State.STOPPING, Verdict.STOPPED_LEASE_END, Source.NOBODY)
    assert (rig.state(HEAD), rig.cause(HEAD), rig.holder(HEAD)) == (State.HOLD, Verdict.NONE, Source.NOBODY)
    assert rig.memory.refused == 0


def test_nobody_releases_for_another() -> None:
    rig = Rig().running()
    rig.tick((Source.TELEOP, rig.request(Request.RELEASE)), (Source.OPERATOR, rig.request(Request.RELEASE)))
    assert (rig.state(), rig.holder()) == (State.RUN, Source.SKILL)


def test_a_release_names_its_groups() -> None:
    rig = Rig().leased()
    rig.tick((Source.SKILL, rig.request(Request.RELEASE, 0b01000)))
    assert (rig.holder(HEAD), rig.holder(ARM)) == (Source.NOBODY, Source.SKILL)


def test_a_release_takes_back_a_waiting_request() -> None:
    rig = Rig().running()
    rig.tick((Source.TELEOP, rig.request(Request.LEASE)))
    rig.tick((Source.TELEOP, rig.request(Request.RELEASE)))
    rig.until(State.HOLD)
    assert rig.holder() == Source.NOBODY


def test_a_higher_source_takes_over_when_the_group_has_come_to_rest() -> None:
    rig = Rig().running()
    old = rig.reflex["lease"][ARM]
    rig.tick((Source.TELEOP, rig.request(Request.LEASE, duration_ns=5 * SECOND)))
    assert (rig.state(), rig.cause(), rig.holder()) == (State.STOPPING, Verdict.STOPPED_PREEMPTED, Source.NOBODY)
    assert rig.holder(HEAD) == Source.TELEOP  # it was at rest
    rig.until(State.HOLD)
    assert (rig.holder(), rig.reflex["lease_until_ns"][ARM]) == (Source.TELEOP, rig.now + 5 * SECOND)
    assert rig.reflex["lease"][ARM] not in (0, old)


def test_a_lower_source_does_not() -> None:
    rig = Rig().running()
    rig.tick((Source.IDLE, rig.request(Request.LEASE)))
    assert (rig.state(), rig.holder(), rig.holder(HEAD)) == (State.RUN, Source.SKILL, Source.SKILL)
    assert rig.verdict() & Verdict.REFUSED_STATE
    assert rig.memory.refused == 5


def test_who_waited_too_long_gets_nothing() -> None:
    rig = Rig().running()
    rig.tick((Source.TELEOP, rig.request(Request.LEASE, 0b00001, duration_ns=20 * MS)))
    rig.until(State.HOLD)
    rig.ticks(20)
    assert rig.holder() == Source.NOBODY


def test_standby_is_waited_for() -> None:
    rig = Rig()
    rig.tick()
    rig.tick((Source.SKILL, rig.request(Request.LEASE)))
    assert (rig.state(), rig.holder()) == (State.STANDBY, Source.NOBODY)
    rig.until(State.HOLD)
    assert rig.holder() == Source.SKILL


def test_a_waiting_source_counts_anew_when_it_is_granted() -> None:
    rig = Rig().running(source=Source.TELEOP)
    rig.tick((Source.TELEOP, rig.request(Request.RELEASE)))
    rig.tick((Source.TELEOP, rig.request(Request.LEASE)))
    assert rig.holder(ARM) == Source.NOBODY
    rig.tick((Source.TELEOP, rig.request(Request.RELEASE, 0b11110)))
    rig.until(State.HOLD)
    rig.counter = 0
    rig.tick((Source.TELEOP, rig.command({SHOULDER: float(rig.q[SHOULDER])})))
    assert rig.state() == State.RUN


def test_a_renewal_under_way_when_the_stop_came_does_not_bring_the_lease_back() -> None:
    rig = Rig().leased()
    nonce = rig.nonce
    rig.tick((Source.SKILL, rig.command({SHOULDER: 0.0})))
    rig.tick((Source.SKILL, rig.command({SHOULDER: float("nan")})))
    rig.until(State.HOLD)
    rig.tick((Source.SKILL, rig.request(Request.LEASE, nonce=nonce)))
    assert (rig.holder(), rig.verdict()) == (Source.NOBODY, Verdict.REFUSED_STATE)
    assert rig.holder(HEAD) == Source.SKILL
    rig.tick((Source.SKILL, rig.request(Request.LEASE)))
    assert rig.holder() == Source.SKILL


@pytest.mark.parametrize("end", ["late", "stale", "gap", "damped"])
def test_however_motion_ended_its_nonce_is_spent(end: str) -> None:
    rig = Rig().leased()
    nonce = rig.nonce
    rig.tick((Source.SKILL, rig.command({SHOULDER: 0.0})))
    rig.encoder_age = 9 * MS if end == "stale" else MS
    if end == "damped":
        rig.q[SHOULDER] += 0.5
    rig.tick(dt=20 * MS if end == "gap" else TICK)
    rig.encoder_age = MS
    rig.until(State.HOLD)
    rig.tick((Source.SKILL, rig.request(Request.LEASE, nonce=nonce, duration_ns=SECOND)))
    assert rig.holder() == Source.NOBODY


def test_a_lease_lost_at_rest_may_be_renewed_by_the_same_nonce() -> None:
    rig = Rig().leased()
    nonce = rig.nonce
    rig.tick(dt=20 * MS)
    assert rig.holder() == Source.NOBODY
    rig.until(State.HOLD)
    rig.tick((Source.SKILL, rig.request(Request.LEASE, nonce=nonce)))
    assert rig.holder() == Source.SKILL


def test_tokens_follow_from_the_seed_and_never_come_back() -> None:
    def tokens(seed: int) -> list[int]:
        rig = Rig(seed=seed).hold()
        out: list[int] = []
        for _ in range(20):
            rig.tick((Source.SKILL, rig.request(Request.LEASE)))
            out += rig.reflex["lease"].tolist()
            rig.tick((Source.SKILL, rig.request(Request.RELEASE)))
        return out

    assert tokens(1) == tokens(1)
    assert not set(tokens(1)) & set(tokens(2))
    assert len(set(tokens(1))) == 100


def test_requests_are_handled_in_order() -> None:
    rig = Rig().hold()
    rig.tick((Source.SKILL, rig.request(Request.LEASE)), (Source.SKILL, rig.request(Request.RELEASE)))
    assert rig.holder() == Source.NOBODY
    rig.tick((Source.SKILL, rig.request(Request.RELEASE)), (Source.SKILL, rig.request(Request.LEASE)))
    assert rig.holder() == Source.SKILL


def test_groups_of_one_source_run_and_stop_apart() -> None:
    rig = Rig().running()
    rig.tick((Source.SKILL, rig.command({NECK: 0.0, LEFT: 0.5, RIGHT: 0.5}, at_ms=100.0)))
    rig.until(State.STOPPING)
    assert [rig.state(g) for g in range(5)] == [State.STOPPING, State.HOLD, State.RUN, State.RUN, State.HOLD]


def test_lease_and_age_limits_are_settings() -> None:
    rig = Rig(cfg=GateCfg(lease_max_s=0.5, request_age_s=0.1)).leased(duration_ns=SECOND)
    assert rig.reflex["lease_until_ns"][ARM] == rig.now + SECOND // 2
    rig = Rig(cfg=GateCfg(request_age_s=0.1)).hold()
    rig.tick((Source.SKILL, rig.request(Request.LEASE, stamp_ns=rig.now + TICK - 100 * MS - 1)))
    assert rig.holder() == Source.NOBODY


def test_what_is_asked_in_the_same_tick_as_a_stop_is_answered_too() -> None:
    rig = Rig().hold()
    rig.tick((Source.TELEOP, rig.request(Request.ESTOP)), (Source.SKILL, rig.request(Request.LEASE, 1 << ARM)))
    assert (rig.state(), rig.memory.refused, rig.verdict()) == (State.ESTOP, 1, Verdict.REFUSED_STATE)
