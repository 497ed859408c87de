"""Child processes that read and check; asked one thing at a time, killed when it takes too long."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from service.http.problems import Problem
from service.http.reading.frames import packed, receive

if TYPE_CHECKING:
    from asyncio.subprocess import Process

__all__ = ["Readers"]


class Readers:
    """So many children, started when they are first needed.

    Parameters
    ----------
    count
        Children side by side.
    seconds
        Given to one question [s].
    mib
        Memory of a child [MiB].
    waiting
        Questions that may wait; more are refused.
    """

    def __init__(self, count: int, seconds: float, mib: int, waiting: int) -> None:
        self._seconds, self._mib = seconds, mib
        self._most, self._asked = count + waiting, 0
        self._free = asyncio.Semaphore(count)
        self._idle: list[Process] = []
        self._all: set[Process] = set()

    async def ask(self, task: str, *parts: bytes, **head: Any) -> list[bytes]:
        """Return the parts of an answer.

        Raises
        ------
        Problem
            What the child says is wrong; `too_much_work` if it takes too long or dies of it;
            `too_many` if too much is waiting.
        """
        if self._asked >= self._most:
            raise Problem("too_many", "Too much is asked at once.", headers={"Retry-After": "2"})
        self._asked += 1
        try:
            async with self._free:
                answer = await self._exchange(
                    packed([json.dumps(head | {"task": task}).encode(), *parts])
                )
        finally:
            self._asked -= 1
        said = json.loads(answer[0])
        if said:
            raise Problem(**said)
        return answer[1:]

    async def _exchange(self, message: bytes) -> list[bytes]:
        child = self._idle.pop() if self._idle else await self.start()
        is_whole = False
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            async with asyncio.timeout(self._seconds):
                child.stdin.write(message)
                await child.stdin.drain()
                answer = await receive(child.stdout)
            is_whole = True
        except TimeoutError:
            detail = f"It takes longer than the {self._seconds:g} s that are given to it here."
            raise Problem("too_much_work", detail, "The command line has no such limit.") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            raise Problem("too_much_work", "It takes more than is given to it here.") from None
        finally:  # whoever does not wait for the answer must not leave it to the next
            if is_whole:
                self._idle.append(child)
            else:
                self._kill(child)
        return answer

    async def start(self) -> Process:
        """Return a new child."""
        given = (str(self._mib), str(os.getpid()))
        command = (sys.executable, "-m", "service.http.reading.child", *given)
        child = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
        self._all.add(child)
        return child

    async def begin(self) -> None:
        """Start a child before anybody asks."""
        self._idle.append(await self.start())

    async def warm(self, task: str, *parts: bytes, **head: Any) -> None:
        """Start a child and ask it something, so that nobody waits for what it loads."""
        with suppress(Problem):
            await self.ask(task, *parts, **head)

    async def close(self) -> None:
        """End all children."""
        gone = list(self._all)
        for child in gone:
            self._kill(child)
        for child in gone:
            await child.wait()

    def _kill(self, child: Process) -> None:
        self._all.discard(child)
        with suppress(ProcessLookupError):
            child.kill()
