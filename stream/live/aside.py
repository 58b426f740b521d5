"""Work that waits for disks, done by one thread while the flow goes on."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import structlog
from redis.exceptions import RedisError

log = structlog.get_logger()


@dataclass(slots=True)
class Aside:
    """One piece of work at a time; what comes meanwhile is left out, because it comes again."""

    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "aside"))
    doing: Future[None] | None = None

    def do(self, work: Callable[[], None]) -> None:
        """Begin, unless the last one still goes on. Raises what that one raised, but for errors of Redis, which is away then."""
        if self.doing is not None:
            if not self.doing.done():
                return
            self.doing.result()
        self.doing = self.thread.submit(_done, work)

    def end(self) -> None:
        """Wait for the last one."""
        self.thread.shutdown()


def _done(work: Callable[[], None]) -> None:
    try:
        work()
    except RedisError as error:
        log.warning("redis_away", error=type(error).__name__, doing="chores")
