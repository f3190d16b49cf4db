"""Lanes: batches under load, one failure alone, a bounded queue, a thread that never ends."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from serving_server import Scripted

from maksud.http.api_error import ApiError
from maksud.recognizers.recognition import Proposal, Recognition, Vector
from maksud.recognizers.steps import step
from maksud.serving import batching
from maksud.serving.batching import PROBE, Failure, Lane

Test = Callable[[Lane, Scripted], Awaitable[None]]


def with_lane(test: Test, on: Callable[[Sequence[str]], None] | None = None, **more: Any) -> None:
    """Runs a test with a started lane in an event loop of its own."""

    async def run() -> None:
        model = Scripted(on=on)
        lane = Lane(model, **more)
        lane.start()
        try:
            async with asyncio.timeout(20):
                await test(lane, model)
        finally:
            model.gate.set()
            lane.close()

    asyncio.run(run())


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.002)


def refuse(*poison: str, error: BaseException | None = None) -> Callable[[Sequence[str]], None]:
    def on(utterances: Sequence[str]) -> None:
        for utterance in utterances:
            if utterance in poison:
                raise error or ValueError(utterance)

    return on


def texts(answers: Sequence[Recognition]) -> list[str]:
    return [a.utterance for a in answers]


def test_what_arrives_together_is_answered_in_batches_and_in_order() -> None:
    async def test(lane: Lane, model: Scripted) -> None:
        model.gate.clear()
        first = lane.submit(["first"])
        await until(lambda: len(model.batches) == 1)
        others = [lane.submit([f"u{k}", f"v{k}"]) for k in range(10)]
        model.gate.set()
        assert texts(await first) == ["first"]
        for k, answers in enumerate(await asyncio.gather(*others)):
            assert texts(answers) == [f"u{k}", f"v{k}"]
        assert [len(b) for b in model.batches] == [1, 8, 8, 4]

    with_lane(test, batch_size=8)


@pytest.mark.parametrize(
    "error", [ValueError("x"), MemoryError(), SystemExit(1), KeyboardInterrupt()], ids=repr
)
def test_a_poisoned_utterance_fails_alone_and_the_thread_lives(error: BaseException) -> None:
    async def test(lane: Lane, model: Scripted) -> None:
        model.gate.clear()
        first = lane.submit(["first"])
        await until(lambda: len(model.batches) == 1)
        jobs = [lane.submit([u]) for u in ("a", "poison", "b")]
        batch = lane.submit(["c", "poison", "d"])
        model.gate.set()
        await first
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert isinstance(results[1], Failure) and results[1].cause is error
        assert [texts(r) for r in (results[0], results[2])] == [["a"], ["b"]]  # type: ignore[arg-type]
        with pytest.raises(Failure) as caught:
            await batch
        assert caught.value.place == 1
        assert texts(await lane.submit(["later"])) == ["later"]

    with_lane(test, on=refuse("poison", error=error))


def test_a_model_that_answers_too_little_is_a_failure_not_a_shift() -> None:
    class Short(Scripted):
        def recognize(self, utterances: Sequence[str]) -> list[Recognition]:
            return super().recognize(utterances)[: 1 if len(utterances) > 1 else None]

    async def run() -> None:
        lane = Lane(Short())
        lane.start()
        assert texts(await lane.submit(["a", "b", "c"])) == ["a", "b", "c"]
        lane.close()

    asyncio.run(run())


def test_a_full_queue_refuses_with_a_time_and_takes_again_later() -> None:
    async def test(lane: Lane, model: Scripted) -> None:
        model.gate.clear()
        first = lane.submit(["first"])
        await until(lambda: len(model.batches) == 1)
        waiting = [lane.submit([str(k)]) for k in range(4)]
        with pytest.raises(ApiError) as caught:
            lane.submit(["a", "b"])
        assert (caught.value.status, caught.value.code) == (429, "queue_full")
        assert 1 <= int(caught.value.headers["retry-after"]) <= 30
        last = lane.submit(["fits"])
        model.gate.set()
        await asyncio.gather(first, last, *waiting)
        assert texts(await lane.submit(["a", "b"])) == ["a", "b"]

    with_lane(test, most=5)


def test_who_gave_up_is_not_answered_and_makes_room() -> None:
    async def test(lane: Lane, model: Scripted) -> None:
        model.gate.clear()
        first = lane.submit(["first"])
        await until(lambda: len(model.batches) == 1)
        for k in range(3):
            lane.submit([f"gone {k}"]).cancel()
        stays = lane.submit(["a", "b", "c"])
        model.gate.set()
        await first
        assert texts(await stays) == ["a", "b", "c"]
        assert model.batches == [["first"], ["a", "b", "c"]]

    with_lane(test, most=3)


def test_is_answering_asks_only_when_it_must() -> None:
    async def test(lane: Lane, model: Scripted) -> None:
        assert await lane.is_answering(60, 5)
        assert model.batches == [[PROBE]]
        assert await lane.is_answering(60, 5)
        assert model.batches == [[PROBE]]
        assert await lane.is_answering(0, 5)
        assert model.batches == [[PROBE], [PROBE]]

    with_lane(test)


def test_a_stuck_model_is_not_answering_and_is_probed_once() -> None:
    async def test(lane: Lane, model: Scripted) -> None:
        model.gate.clear()
        stuck = lane.submit(["stuck"])
        await until(lambda: len(model.batches) == 1)
        asked = [lane.is_answering(60, 0.05) for _ in range(20)]
        assert not any(await asyncio.gather(*asked))
        model.gate.set()
        await stuck
        assert await lane.is_answering(60, 5)
        await until(lambda: len(model.batches) == 2)
        assert model.batches[1] == [PROBE]

    with_lane(test)


def test_a_broken_model_is_not_answering() -> None:
    async def test(lane: Lane, model: Scripted) -> None:
        assert not await lane.is_answering(60, 5)

    with_lane(test, on=refuse(PROBE))


def test_a_full_queue_does_not_hold_up_the_probe() -> None:
    async def test(lane: Lane, model: Scripted) -> None:
        model.gate.clear()
        jobs = [lane.submit(["first"])]
        await until(lambda: len(model.batches) == 1)
        jobs += [lane.submit([str(k)]) for k in range(4)]
        asked = asyncio.ensure_future(lane.is_answering(60, 10))
        await asyncio.sleep(0.01)
        model.gate.set()
        assert await asked
        await asyncio.gather(*jobs)
        assert model.batches[1][0] == PROBE

    with_lane(test, most=4, batch_size=2)


def test_closing_answers_what_waits_and_ends_the_thread() -> None:
    async def run() -> None:
        model = Scripted("closing")
        lane = Lane(model)
        lane.start()
        model.gate.clear()
        jobs = [lane.submit(["a"]), lane.submit(["b"])]
        lane.close()
        model.gate.set()
        assert [texts(a) for a in await asyncio.gather(*jobs)] == [["a"], ["b"]]
        await until(lambda: "maksud-closing" not in [t.name for t in threading.enumerate()])

    asyncio.run(run())


# ---------------------------------------------------------------- small units of work


class Clock:
    """The time of the lane, which a model moves as it works."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(batching, "time", made)
    return made


class Slow(Scripted):
    """Takes so many seconds for an utterance, and says at each that it goes on.

    `after`: called after each utterance.
    """

    def __init__(self, clock: Clock, seconds: float, after: Callable[[], None] | None = None):
        super().__init__("slow")
        self.clock, self.seconds = clock, seconds
        self.after = after
        self.done: list[str] = []

    def propose(self, utterances: Sequence[str]) -> list[Proposal]:
        self.batches.append(list(utterances))
        self.gate.wait(30)
        for utterance in utterances:
            step()
            self.clock.now += self.seconds
            self.done.append(utterance)
            if self.after is not None:
                self.after()
        return [self._answer(u) for u in utterances]


def test_a_batch_takes_about_a_second(clock: Clock) -> None:
    """So that a server that works says so, and nothing goes on for long that nobody wants."""

    async def run() -> None:
        model = Slow(clock, 0.3)
        lane = Lane(model, most=500)
        lane.warm_up()
        del model.batches[:]
        lane.start()
        said = [f"halo {k:02}" for k in range(64)]
        assert texts(await lane.submit(said)) == said
        assert max(map(len, model.batches)) <= 4 and sum(map(len, model.batches)) == 64
        model.seconds = 0.001
        for _ in range(20):
            await lane.submit(said)
        assert max(map(len, model.batches)) == 32
        lane.close()

    asyncio.run(run())


def test_long_texts_make_smaller_batches(clock: Clock) -> None:
    class ByLength(Slow):
        def propose(self, utterances: Sequence[str]) -> list[Proposal]:
            self.clock.now += sum(map(len, utterances)) / 1000
            return super().propose(utterances)

    async def run() -> None:
        model = ByLength(clock, 0.0)
        lane = Lane(model, most=500)
        lane.start()
        await lane.submit(["x" * 400])
        await lane.submit(["x" * 400] * 9)
        await lane.submit(["x" * 40] * 9)
        assert [len(b) for b in model.batches] == [1, 2, 2, 2, 2, 1, 9]
        lane.close()

    asyncio.run(run())


def test_a_short_request_does_not_wait_for_a_long_one(clock: Clock) -> None:
    async def run() -> None:
        model = Slow(clock, 0.3)
        lane = Lane(model, most=500)
        lane.warm_up()
        del model.done[:]
        lane.start()
        model.gate.clear()
        long = lane.submit([f"halo {k:02}" for k in range(64)])
        await until(lambda: len(model.batches) == 3)
        short = lane.submit(["short"])
        model.gate.set()
        assert texts(await short) == ["short"]
        assert model.done.index("short") < 12
        assert len(await long) == 64
        lane.close()

    asyncio.run(run())


def test_what_would_wait_for_too_long_is_refused_at_once(clock: Clock) -> None:
    async def run() -> None:
        model = Slow(clock, 5.0)
        lane = Lane(model, most=500, patience=20)
        lane.warm_up()
        lane.start()
        model.gate.clear()
        jobs = [lane.submit(["first"])]
        await until(lambda: len(model.batches) == 3)
        with pytest.raises(ApiError) as caught:
            for k in range(100):
                jobs.append(lane.submit([f"halo {k:02}"]))
        assert caught.value.status == 429 and "20 s" in caught.value.message
        assert 20 <= len(jobs) <= 25
        model.gate.set()
        await asyncio.gather(*jobs)
        jobs = [lane.submit(["halo"] * 400), lane.submit(["halo"])]  # two turns, not 401
        for job in jobs:
            job.cancel()
        lane.close()

    asyncio.run(run())


# ---------------------------------------------------------------- steps


def test_a_model_that_makes_steps_is_at_work(clock: Clock) -> None:
    """A long batch is no silence: `/ready` is asked while it is under way, without an answer."""

    async def run() -> None:
        half, goes_on = threading.Event(), threading.Event()

        def after() -> None:
            if len(model.done) == 3:
                half.set()
                goes_on.wait(30)

        model = Slow(clock, 3.0, after)
        lane = Lane(model)
        lane.start()
        job = lane.submit(["a", "b", "c", "d"])
        await asyncio.to_thread(half.wait, 30)
        assert await lane.is_answering(5, 0.01)
        clock.now += 4  # 7 s after its last step
        assert not await lane.is_answering(5, 0.01)
        goes_on.set()
        await job
        lane.close()

    asyncio.run(run())


def test_a_batch_may_take_what_such_batches_took(clock: Clock) -> None:
    async def run() -> None:
        model = Slow(clock, 8.0)
        lane = Lane(model)
        lane.warm_up()
        lane.start()
        model.gate.clear()
        job = lane.submit(["halo"])
        await until(lambda: len(model.batches) == 3)
        clock.now += 10
        assert await lane.is_answering(5, 0.01)
        clock.now += 20
        assert not await lane.is_answering(5, 0.01)
        model.gate.set()
        await job
        lane.close()

    asyncio.run(run())


def test_steps_of_a_model_that_fails_are_no_answers(clock: Clock) -> None:
    async def run() -> None:
        reached, goes_on = threading.Event(), threading.Event()

        def after() -> None:
            if model.done[-1] == "b":
                reached.set()
                goes_on.wait(30)
            raise ValueError("weights are gone")

        model = Slow(clock, 0.1, after)
        lane = Lane(model)
        lane.start()
        with pytest.raises(Failure):
            await lane.submit(["a"])
        job = lane.submit(["b"])
        await asyncio.to_thread(reached.wait, 30)
        assert not await lane.is_answering(5, 0.01)
        goes_on.set()
        with pytest.raises(Failure):
            await job
        lane.close()

    asyncio.run(run())


def test_work_that_nobody_wants_ends_between_two_steps(clock: Clock) -> None:
    async def run() -> None:
        reached, goes_on = threading.Event(), threading.Event()

        def after() -> None:
            if len(model.done) == 2:
                reached.set()
                goes_on.wait(30)

        model = Slow(clock, 0.001, after)
        lane = Lane(model)
        lane.start()
        job = lane.submit([f"gone {k}" for k in range(30)])
        await asyncio.to_thread(reached.wait, 30)
        job.cancel()
        goes_on.set()
        assert texts(await lane.submit(["stays"])) == ["stays"]
        assert model.done == ["gone 0", "gone 1", "stays"]
        lane.close()

    asyncio.run(run())


def test_who_shares_a_batch_with_those_that_left_is_answered(clock: Clock) -> None:
    async def run() -> None:
        reached, goes_on = threading.Event(), threading.Event()

        def after() -> None:
            if model.done == ["first", "gone 0", "stays 0"]:
                reached.set()
                goes_on.wait(30)

        model = Slow(clock, 0.001, after)
        lane = Lane(model)
        lane.start()
        model.gate.clear()
        first = lane.submit(["first"])
        await until(lambda: len(model.batches) == 1)
        gone = lane.submit([f"gone {k}" for k in range(9)])
        stays = lane.submit(["stays 0", "stays 1"])
        model.gate.set()
        await first
        await asyncio.to_thread(reached.wait, 30)
        gone.cancel()
        goes_on.set()
        assert texts(await stays) == ["stays 0", "stays 1"]
        assert model.batches[2:] == [["stays 0", "stays 1"]]
        assert model.done.count("gone 0") == 1 and "gone 3" not in model.done
        lane.close()

    asyncio.run(run())


def test_the_rest_of_a_request_that_failed_is_not_asked() -> None:
    async def test(lane: Lane, model: Scripted) -> None:
        with pytest.raises(Failure):
            await lane.submit(["poison", *(f"rest {k}" for k in range(20))])
        await lane.submit(["later"])
        assert ["rest 19"] not in model.batches and lane.waiting == 0

    with_lane(test, on=refuse("poison"), batch_size=2)


def test_each_request_of_a_batch_is_held_to_its_own_intents() -> None:
    async def test(lane: Lane, model: Scripted) -> None:
        model.gate.clear()
        first = lane.submit(["first"])
        await until(lambda: len(model.batches) == 1)
        held = lane.submit(["a", "return_goods(order=7)"], {"return_goods", "none"})
        free = lane.submit(["b"])
        poisoned = lane.submit(["poison"], {"return_goods"})
        model.gate.set()
        answers = await held
        assert [a.text for a in answers] == ["none()", "return_goods(order=7)"]
        assert (await free)[0].text == "play_music(b)"
        with pytest.raises(Failure):
            await poisoned
        assert (await first)[0].text == "play_music(first)"
        assert len(max(model.batches, key=len)) == 4  # all that waited, whatever they are held to

    with_lane(test, on=refuse("poison", error=ValueError("x")))


def test_works_of_two_kinds_share_no_batch_and_take_turns() -> None:
    async def test(lane: Lane, model: Scripted) -> None:
        model.gate.clear()
        first = lane.submit(["first"])
        await until(lambda: len(model.batches) == 1)
        jobs = [lane.submit([f"{k}"], work="recognize" if k % 2 else "represent") for k in range(6)]
        many = lane.submit(["m", "n"], work="represent")
        model.gate.set()
        await asyncio.gather(first, many, *jobs)
        assert model.batches[1:] == [["0", "2", "4", "m", "n"], ["1", "3", "5"]]
        assert [isinstance((await job)[0], Vector) for job in jobs] == [True, False] * 3
        assert [v.numbers[0] for v in await many] == [1, 1]

    with_lane(test)


def test_an_utterance_without_a_vector_fails_alone() -> None:
    async def test(lane: Lane, model: Scripted) -> None:
        good, bad = lane.submit(["a"], work="represent"), lane.submit(["x", "b"], work="represent")
        with pytest.raises(Failure) as caught:
            await bad
        assert caught.value.place == 1
        assert isinstance((await good)[0], Vector)

    with_lane(test, on=refuse("b"))
