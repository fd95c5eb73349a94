"""Threads that work through a stream of tasks, never further ahead than they can soon do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class Pool(Generic[Task, Result]):
    """Calls `function` on tasks in `jobs` threads; results come as they are ready.

    The threads are daemons: when the process has to end, it waits for none of them.
    """

    def __init__(self, function: Callable[[Task], Result], jobs: int) -> None:
        self._function = function
        self._ahead = 2 * jobs
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._results: SimpleQueue[tuple[Task, Result | None, BaseException | None]] = SimpleQueue()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(jobs)]
        for thread in self._threads:
            thread.start()

    def map(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Result]]:
        """Yield each task with its result; what a call or the tasks raise is raised here."""
        under_way = 0
        failed: Exception | None = None
        source = iter(tasks)
        while failed is None:
            try:
                self._tasks.put(next(source))
            except StopIteration:
                break
            except Exception as error:  # what is under way is finished before it is raised
                failed = error
                break
            under_way += 1
            while under_way >= self._ahead or (under_way and not self._results.empty()):
                under_way -= 1
                yield self._next()
        for _ in range(under_way):
            yield self._next()
        if failed is not None:
            raise failed

    def close(self) -> None:
        """Let the threads end when they have nothing more to do."""
        for _ in self._threads:
            self._tasks.put(None)

    def _next(self) -> tuple[Task, Result]:
        task, result, error = self._results.get()
        if error is not None:
            raise error
        return task, result  # type: ignore[return-value]

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                self._results.put((task, self._function(task), None))
            except BaseException as error:
                self._results.put((task, None, error))
