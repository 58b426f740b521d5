"""How tasks that run beside the requests are ended."""

import asyncio

AGAIN_S = 0.1


async def end(task: "asyncio.Task[None]") -> None:
    """Cancel a task until it has ended; what it raised is not raised here.

    Once is not enough: redis-py sends commands under `asyncio.wait_for`, which in Python 3.11 forgets a cancellation that comes in the
    moment in which the command was sent (mended in 3.12: github.com/python/cpython/issues/86296).
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=AGAIN_S)
    if not task.cancelled():
        task.exception()
