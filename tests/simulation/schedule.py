"""Who goes on, and when: tasks that give way at each call to the outside, under a clock of their own."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from greenlet import GreenletExit, getcurrent, greenlet  # type: ignore[import-untyped]  # it ships no types


class Owner(Protocol):
    """Whose tasks these are. What it ran when it died never goes on."""

    alive: bool
    name: str

    def die(self) -> None: ...


@dataclass(eq=False)
class Task:
    """One thread of an instance, or a person, or a piece of the weather."""

    name: str
    owner: Owner | None
    green: Any
    turn: int = 0  # which of its entries in the queue counts: it may have been woken before its time
    begun: float = 0.0
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Schedule:
    """A queue of tasks by the time at which each goes on. `now` is the true time, in seconds from the start."""

    random: Random
    now: float = 0.0
    steps: int = 0
    kill_chance: float = 0.0
    trace: list[str] | None = None
    _queue: list[tuple[float, float, int, Task]] = field(default_factory=list)
    _dead: list[Task] = field(default_factory=list)
    _hub: Any = field(default_factory=getcurrent)

    def spawn(self, name: str, work: Callable[[], object], owner: Owner | None = None, after: float = 0.0) -> Task:
        """Begin a task."""
        task = Task(name, owner, None, begun=self.now)
        task.green = greenlet(work, self._hub)
        task.green.task = task
        self._push(task, self.now + after)
        return task

    def pause(self, seconds: float) -> None:
        """Let others go on meanwhile. A task of a dead instance gets no further than here."""
        task = self.current()
        if task.owner and not task.owner.alive:
            raise GreenletExit
        self._push(task, self.now + seconds)
        self._hub.switch()

    def wake(self, task: Task, after: float = 0.0) -> None:
        """Let a task that pauses go on so many seconds from now."""
        self._push(task, self.now + after)

    def current(self) -> Task:
        """Return the task that runs."""
        task: Task = getcurrent().task
        return task

    def step(self) -> bool:
        """Let the next task go on; return False where there is none."""
        while self._queue:
            wakes, _, turn, task = heapq.heappop(self._queue)
            if turn != task.turn or task.green.dead:
                continue
            self.now = max(self.now, wakes)
            owner = task.owner
            if owner and owner.alive and self.kill_chance and self.random.random() < self._chance_to_die(task):
                self.note(f"{owner.name} is killed in {task.name}")
                owner.die()
            if owner and not owner.alive:
                self._dead.append(task)  # held, so that nothing unwinds before the end
                continue
            self.steps += 1
            task.green.switch()
            return True
        return False

    def waiting(self) -> Iterator[Task]:
        """Give the tasks that have yet to go on."""
        for _, __, turn, task in self._queue:
            if turn == task.turn and not (task.owner and not task.owner.alive):
                yield task

    def note(self, text: str) -> None:
        """Write a line of the trace, where there is one."""
        if self.trace is not None:
            task = getattr(getcurrent(), "task", None)
            who = f"{task.owner.name if task.owner else '-'} {task.name}" if task else "-"
            self.trace.append(f"{self.now:10.3f}  {who:24}  {text}")

    def end(self) -> None:
        """Unwind what never ended."""
        for task in (*self._dead, *(each[-1] for each in self._queue)):
            if task.green and not task.green.dead:
                if task.owner and task.owner.alive:
                    task.owner.die()
                task.green.throw(GreenletExit)

    def _chance_to_die(self, task: Task) -> float:
        # Idle rounds are most of what an instance does, and little is lost in them.
        return self.kill_chance * (3.0 if task.name.endswith("lane") else 1.0)

    def _push(self, task: Task, at: float) -> None:
        task.turn += 1
        heapq.heappush(self._queue, (at, self.random.random(), task.turn, task))
