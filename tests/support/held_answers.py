"""A gateway that is asked whether it serves a block, and does not answer yet."""

import asyncio


class HeldAnswers:
    """Make it inside a running loop; `serves` is for the gateway's threads."""

    def __init__(self) -> None:
        self._loop, self._entered = asyncio.get_running_loop(), asyncio.Event()
        self.free = asyncio.Event()
        """Set it, and all are served."""

    def serves(self, _: bytes) -> bool:
        """Holds its thread until all are free."""
        self._loop.call_soon_threadsafe(self._entered.set)
        asyncio.run_coroutine_threadsafe(self.free.wait(), self._loop).result(20)
        return True

    async def wait(self) -> None:
        """Until the first is asked."""
        async with asyncio.timeout(20):
            await self._entered.wait()
