"""Who may command a group: granting, renewing, taking over, ending; tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vagus.core.messages import Source, State
from vagus.reflex.leases import FREE, Answer, Ask, Leases, token

SECOND = 10**9


def ask(source: Source = Source.SKILL, nonce: int = 1, seconds: int = 1, at: int = 0) -> Ask:
    return Ask(source, nonce, seconds * SECOND, at)


def granted(*asks: Ask) -> Leases:
    leases = Leases(2, seed=5)
    for each in asks:
        leases.ask(0, each, State.HOLD)
    return leases


def test_a_free_group_that_holds_is_granted_for_the_asked_time() -> None:
    leases = granted(ask(at=7))
    assert (leases.held[0].source, leases.held[0].nonce, leases.held[0].until_ns) == (Source.SKILL, 1, SECOND + 7)
    assert leases.held[0].token != 0
    assert leases.held[1] is FREE
    assert leases.waiting == [None, None]


@pytest.mark.parametrize("state", [State.OFF, State.DAMPED, State.ESTOP])
def test_a_group_that_cannot_move_soon_is_refused(state: State) -> None:
    leases = Leases(1, seed=5)
    assert leases.ask(0, ask(), state) is Answer.REFUSED
    assert (leases.held, leases.waiting) == ([FREE], [None])


@pytest.mark.parametrize("state", [State.STANDBY, State.STOPPING])
def test_a_free_group_that_will_hold_soon_is_waited_for(state: State) -> None:
    leases = Leases(1, seed=5)
    assert leases.ask(0, ask(), state) is Answer.WAITING
    assert (leases.held, leases.waiting) == ([FREE], [ask()])


@pytest.mark.parametrize("state", [State.HOLD, State.RUN])
def test_the_holder_renews_with_the_same_token_and_a_later_end(state: State) -> None:
    leases = granted(ask())
    before = leases.held[0]
    assert leases.ask(0, ask(nonce=2, at=5), state) is Answer.RENEWED
    assert leases.held[0].token == before.token
    assert (leases.held[0].source, leases.held[0].nonce, leases.held[0].until_ns) == (Source.SKILL, 2, SECOND + 5)


def test_a_shorter_renewal_does_not_shorten() -> None:
    leases = granted(ask(seconds=5), ask(seconds=1, at=5))
    assert leases.held[0].until_ns == 5 * SECOND


def test_while_stopping_the_same_nonce_renews_and_a_new_one_waits_for_a_new_lease() -> None:
    leases = granted(ask())
    before = leases.held[0]
    assert leases.ask(0, ask(nonce=1, at=3), State.STOPPING) is Answer.RENEWED
    assert leases.held[0].until_ns == SECOND + 3
    assert leases.ask(0, ask(nonce=2, at=4), State.STOPPING) is Answer.WAITING
    assert (leases.held[0].token, leases.waiting[0]) == (before.token, ask(nonce=2, at=4))


@pytest.mark.parametrize("state", [State.HOLD, State.RUN, State.STOPPING])
def test_a_lower_source_is_refused_while_a_higher_one_holds(state: State) -> None:
    leases = granted(ask(Source.TELEOP))
    before = leases.held[0]
    assert leases.ask(0, ask(Source.SKILL, nonce=9), state) is Answer.REFUSED
    assert (leases.held[0], leases.waiting[0]) == (before, None)


def test_a_higher_source_takes_a_resting_group_at_once() -> None:
    leases = granted(ask(Source.IDLE))
    before = leases.held[0]
    assert leases.ask(0, ask(Source.SKILL, nonce=2), State.HOLD) is Answer.GRANTED
    assert leases.held[0].source == Source.SKILL
    assert leases.held[0].token != before.token


@pytest.mark.parametrize("state", [State.RUN, State.STOPPING])
def test_a_higher_source_waits_for_a_moving_group_to_stop(state: State) -> None:
    leases = granted(ask(Source.IDLE))
    before = leases.held[0]
    assert leases.ask(0, ask(Source.SKILL, nonce=2), state) is Answer.PREEMPTS
    assert (leases.held[0], leases.waiting[0]) == (before, ask(Source.SKILL, nonce=2))


@pytest.mark.parametrize(("at", "answer"), [(8 * SECOND - 1, Answer.REFUSED), (8 * SECOND, Answer.WAITING)])
def test_a_waiting_higher_source_keeps_lower_ones_out_until_its_time_is_over(at: int, answer: Answer) -> None:
    leases = Leases(1, seed=5)
    leases.ask(0, ask(Source.TELEOP, at=7 * SECOND), State.STOPPING)
    assert leases.ask(0, ask(Source.SKILL, nonce=2, at=at), State.STOPPING) is answer


def test_a_waiting_source_gives_way_to_a_higher_and_to_its_own_later_request() -> None:
    leases = Leases(1, seed=5)
    leases.ask(0, ask(Source.SKILL), State.STOPPING)
    assert leases.ask(0, ask(Source.SKILL, nonce=2), State.STOPPING) is Answer.WAITING
    assert leases.waiting[0] == ask(Source.SKILL, nonce=2)
    assert leases.ask(0, ask(Source.TELEOP, nonce=3), State.STOPPING) is Answer.WAITING
    assert leases.waiting[0] == ask(Source.TELEOP, nonce=3)


def test_the_waiting_source_is_granted_for_the_full_time_from_then() -> None:
    leases = Leases(1, seed=5)
    leases.ask(0, ask(), State.STOPPING)
    leases.grant_waiting(0, ask(), SECOND - 1)
    assert leases.held[0].source == Source.SKILL
    assert leases.held[0].until_ns == 2 * SECOND - 1
    assert leases.waiting == [None]


def test_a_source_that_waited_its_whole_time_is_forgotten() -> None:
    leases = Leases(1, seed=5)
    leases.ask(0, ask(), State.STOPPING)
    leases.grant_waiting(0, ask(), SECOND)
    assert (leases.held, leases.waiting) == ([FREE], [None])


def test_the_nonce_of_a_lease_ended_by_a_stop_is_spent_for_its_source_alone() -> None:
    leases = granted(ask())
    leases.end(0, is_stopped=True)
    assert leases.held[0] is FREE
    assert leases.ask(0, ask(), State.HOLD) is Answer.REFUSED
    assert leases.held[0] is FREE
    assert leases.ask(0, ask(Source.TELEOP), State.HOLD) is Answer.GRANTED
    leases.end(0, is_stopped=False)
    assert leases.ask(0, ask(nonce=2), State.HOLD) is Answer.GRANTED


def test_ending_a_free_group_spends_nothing() -> None:
    leases = granted(ask())
    leases.end(0, is_stopped=True)
    leases.end(0, is_stopped=True)
    assert leases.ask(0, ask(), State.HOLD) is Answer.REFUSED


def test_the_nonce_of_a_lease_that_ended_at_rest_can_come_back() -> None:
    leases = granted(ask())
    leases.end(0, is_stopped=False)
    assert leases.ask(0, ask(), State.HOLD) is Answer.GRANTED


def test_clearing_ends_the_lease_spends_its_nonce_and_sends_the_waiting_away() -> None:
    leases = granted(ask())
    leases.ask(0, ask(Source.TELEOP), State.RUN)
    leases.clear(0)
    assert (leases.held[0], leases.waiting[0]) == (FREE, None)
    assert leases.ask(0, ask(), State.HOLD) is Answer.REFUSED


def test_only_a_source_itself_withdraws_its_waiting_request() -> None:
    leases = Leases(1, seed=5)
    leases.ask(0, ask(), State.STOPPING)
    leases.withdraw(0, Source.TELEOP)
    assert leases.waiting == [ask()]
    leases.withdraw(0, Source.SKILL)
    leases.withdraw(0, Source.SKILL)
    assert leases.waiting == [None]


def test_a_lease_ends_at_its_end_and_no_lease_never_does() -> None:
    leases = granted(ask())
    assert not leases.has_ended(0, SECOND - 1)
    assert leases.has_ended(0, SECOND)
    assert not leases.has_ended(1, SECOND)


def test_holds_any_looks_at_every_group() -> None:
    leases = Leases(2, seed=5)
    leases.ask(1, ask(), State.HOLD)
    assert leases.holds_any(Source.SKILL)
    assert not leases.holds_any(Source.TELEOP)


@given(st.integers(0, 2**64 - 1), st.sets(st.integers(1, 10**6), min_size=2, max_size=50))
def test_tokens_are_distinct_64_bit_numbers(seed: int, numbers: set[int]) -> None:
    tokens = {token(seed, n) for n in numbers}
    assert len(tokens) == len(numbers)
    assert all(0 <= t < 2**64 for t in tokens)


def test_tokens_are_splitmix64() -> None:
    # First outputs of SplitMix64 seeded with 1234567, as published with the reference implementation.
    assert [token(1234567, n) for n in (1, 2, 3)] == [
        6457827717110365317, 3203168211198807973, 9817491932198370423,
    ]  # fmt: skip


def test_the_one_token_that_would_be_zero_is_skipped() -> None:
    seed = -0x9E3779B97F4A7C15 % 2**64  # the first state is then 0, which the mixing maps to 0
    assert token(seed, 1) == 0
    leases = Leases(1, seed=seed)
    leases.ask(0, ask(), State.HOLD)
    assert leases.held[0].token == token(seed, 2)
    assert leases.held[0].token != 0


def test_a_copy_is_equal_and_independent() -> None:
    leases = granted(ask())
    other = leases.copy()
    assert other == leases
    for change in (lambda x: x.end(0, is_stopped=True), lambda x: x.ask(1, ask(), State.STOPPING)):
        change(other)
        assert other != leases
        other = leases.copy()
    assert leases.held[0].source == Source.SKILL
    assert leases != "leases"
    assert granted(ask()).held[0].token == leases.held[0].token
