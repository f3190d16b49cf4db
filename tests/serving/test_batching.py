"""Lanes: batches under load, one failure alone, a bounded queue, a thread that never ends."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from serving_server import Scripted

from maksud.http.api_error import ApiError
from maksud.recognizers.recognition import Recognition
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
