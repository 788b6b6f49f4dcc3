"""The supervisor's requests to one worker, and the worker's answers to them."""

import asyncio
import itertools
from collections.abc import Callable, Sequence

from libvirt_webrtc.agent import limits
from libvirt_webrtc.errors import (
    ConsoleStarting,
    GatheringError,
    LibvirtWebRTCError,
    NegotiationError,
    NoConsole,
    NoPortLeft,
    TooManyViewers,
    WorkerError,
    WorkerGone,
)
from libvirt_webrtc.worker import ipc
from libvirt_webrtc.worker.channel import Channel

WorkerRequest = ipc.Offer | ipc.OpenStream | ipc.CloseViewer | ipc.AskStats
WorkerAnswer = ipc.Answered | ipc.Refused | ipc.Done | ipc.Stats

_REFUSALS: dict[str, type[LibvirtWebRTCError]] = {
    cls.__name__: cls
    for cls in (NegotiationError, GatheringError, NoPortLeft, NoConsole, TooManyViewers, ConsoleStarting)
}


class Requests:
    """Sends requests over a channel, and gives each the answer with its number."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[WorkerAnswer]] = {}

    async def ask(self, make: Callable[[int], WorkerRequest], fds: Sequence[int] = ()) -> WorkerAnswer:
        """The worker's answer to the request that ``make`` makes of a number. May be cancelled: the worker answers
        all the same, and nobody hears it.

        ``fds`` go with the request, and stay the caller's.

        Raises:
            MessageRefused: the request cannot be sent.
            WorkerGone: the worker ended, or did not answer within WORKER_ANSWER_S.
        """
        number = next(self._numbers)
        future: asyncio.Future[WorkerAnswer] = asyncio.get_running_loop().create_future()
        self._answers[number] = future
        try:
            async with asyncio.timeout(limits.WORKER_ANSWER_S):
                await self._channel.send(make(number), fds)
                return await future
        except TimeoutError:
            raise WorkerGone("the console's worker did not answer in time") from None
        finally:
            del self._answers[number]

    def answered(self, answer: WorkerAnswer) -> None:
        """Hand an answer on; one that nobody waits for any more is dropped."""
        future = self._answers.get(answer.request)
        if future is not None and not future.done():
            future.set_result(answer)

    def end(self) -> None:
        """The worker has ended: whoever waits gets WorkerGone."""
        for future in self._answers.values():
            if not future.done():
                future.set_exception(WorkerGone("the console's worker ended"))


def refusal(answer: WorkerAnswer) -> LibvirtWebRTCError:
    """The error that an answer stands for which is not the one asked for."""
    if isinstance(answer, ipc.Refused):
        return _REFUSALS.get(answer.kind, WorkerError)(answer.message)
    return WorkerError(f"the console's worker answered with {type(answer).__name__}")
