"""How a request gets its recognitions: within its token's limits and its time, while it waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from maksud.errors import InputError
from maksud.http.access_log import note_said
from maksud.http.api_error import TOO_LONG, ApiError, as_api_error
from maksud.http.guard import client_gone, when_gone
from maksud.http.limits import check_utterances, count_utterances
from maksud.http.settings import ServeSettings
from maksud.language.calls import NONE, OUT_OF_SCOPE, format_calls
from maksud.language.conversation import Turn
from maksud.recognizers.conversation import Asked, Reading, follow
from maksud.recognizers.recognition import Recognition, Vector
from maksud.serving.batching import Allowed, Failure, Job, Lane, Work
from maksud.serving.metrics import Metrics
from maksud.serving.protocol import check_length, place_of

if TYPE_CHECKING:
    from starlette.types import Scope


class Asker:
    """Asks models for requests, and counts what is answered."""

    def __init__(self, settings: ServeSettings, metrics: Metrics | None) -> None:
        self._settings = settings
        self._metrics = metrics

    def count(self, scope: Scope, lane: Lane, answers: Sequence[Recognition]) -> None:
        """Counts what a request is answered with, and notes it where the log is to have it."""
        if self._settings.log_utterances:
            note_said(scope, map(_noted, answers))
        if self._metrics is not None:
            self._metrics.count_answers(scope, lane.recognizer.name, answers)

    async def converse(
        self,
        scope: Scope,
        lane: Lane,
        turns: Sequence[Turn],
        reading: Reading | None,
        param: str,
        allowed: Allowed = None,
        *,
        again: bool = False,
    ) -> Recognition:
        """The recognition of a conversation's last turn, by the contract's rule.

        `again`: also where it has the results of its calls, see `follow`.
        """
        steps = follow(lane.recognizer.contract, turns, reading, again=again)
        try:
            asked = next(steps)
        except InputError as error:  # nothing is said that can be read
            refused = as_api_error(error)
            refused.param = param
            raise refused from error
        first = True
        while True:
            # Earlier turns may have asked for nothing, whatever is to be answered to the last.
            held = allowed if asked.is_last or allowed is None else {*allowed, OUT_OF_SCOPE}
            answers = await self._answer(scope, lane, asked, param, held, first=first)
            first = False
            try:
                asked = steps.send(answers)
            except StopIteration as end:
                recognition: Recognition = end.value
                return recognition

    async def _answer(
        self, scope: Scope, lane: Lane, asked: Asked, param: str, held: Allowed, *, first: bool
    ) -> list[Recognition]:
        """The recognitions of what the rule asks for.

        An earlier turn that is too long was not answered when it came, and is not now, alone or
        with what was said behind it: were it refused again, so would be all that follows.
        """
        utterances = asked.utterances
        try:
            return await self.recognize(scope, lane, utterances, param, held, first=first)
        except ApiError as error:
            if error.code != TOO_LONG or (asked.is_last and len(utterances) == 1):
                raise
        answers: list[Recognition] = []
        for k, utterance in enumerate(utterances):
            try:
                answers += await self.recognize(scope, lane, [utterance], param, held, first=first)
                first = False
            except ApiError as error:
                is_last = asked.is_last and k == len(utterances) - 1  # what is said now, alone
                if error.code != TOO_LONG or is_last:
                    raise
                answers.append(_unread(utterance, lane))
        return answers

    async def recognize(
        self,
        scope: Scope,
        lane: Lane,
        utterances: Sequence[str],
        param: str,
        allowed: Allowed = None,
        *,
        first: bool = True,
    ) -> list[Recognition]:
        """The recognitions, unless the client leaves, or none comes for too long.

        `first`: what is begun is not refused half-way because of the token's limit.
        """
        job = self._submit(scope, lane, utterances, param, allowed, first=first)
        answers: list[Recognition] = await self._wait(scope, lane, job, param)
        return answers

    async def represent(
        self, scope: Scope, lane: Lane, utterances: Sequence[str], param: str
    ) -> list[Vector]:
        """A vector for each utterance, as `recognize` gives recognitions; they are counted."""
        job = self._submit(scope, lane, utterances, param, None, "represent")
        vectors: list[Vector] = await self._wait(scope, lane, job, param)
        if self._settings.log_utterances:
            note_said(scope, [{"utterance": u} for u in utterances])
        if self._metrics is not None:
            self._metrics.count_vectors(scope, lane.recognizer.name, vectors)
        return vectors

    def _submit(
        self,
        scope: Scope,
        lane: Lane,
        utterances: Sequence[str],
        param: str,
        allowed: Allowed,
        work: Work = "recognize",
        *,
        first: bool = True,
    ) -> Job:
        check_length(utterances, self._settings.max_utterance_chars, param)
        if first:
            check_utterances(scope, len(utterances))
        job = lane.submit(utterances, allowed, work)
        count_utterances(scope, len(utterances))
        return job

    async def _wait(self, scope: Scope, lane: Lane, job: Job, param: str) -> list[Any]:
        before, started = -1, time.perf_counter()
        try:
            when_gone(scope, job.cancel)
            # Time runs from answer to answer: what is done of a batch is not thrown away.
            while not job.done() and before < len(job.answers):
                before = len(job.answers)
                await asyncio.wait({job}, timeout=self._settings.answer_seconds)
            if job.cancelled():
                raise client_gone()
            if job.done():
                if self._metrics is not None:
                    took = time.perf_counter() - started
                    self._metrics.count_waiting(lane.recognizer.name, took)
                return job.result()
        except Failure as failure:
            raise _shown(failure, param) from failure.cause
        finally:
            job.cancel()
        raise ApiError(
            503,
            f"no answer within {self._settings.answer_seconds:g} s",
            code="answer_timeout",
            kind="server_error",
            headers={"retry-after": "5"},
        )


def _unread(utterance: str, lane: Lane) -> Recognition:
    """The recognition of what is too long to be asked for."""
    name, contract = lane.recognizer.name, lane.recognizer.contract.id
    return Recognition(
        utterance,
        (NONE,),
        format_calls((NONE,)),
        0.0,
        False,
        model=name,
        contract=contract,
        truncated=True,
    )


def _shown(failure: Failure, param: str) -> ApiError:
    """The cause of a failure as a client sees it, with the place of the utterance in a batch."""
    error = as_api_error(failure.cause)
    error.param = place_of(param, failure.place)
    return error


def _noted(answer: Recognition) -> dict[str, Any]:
    return {
        "utterance": answer.utterance,
        "text": answer.text,
        "confidence": round(answer.confidence, 4),
        "accepted": answer.accepted,
    }
