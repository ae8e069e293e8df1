"""One replica of the shared demonstration: a process of its own with a router, traffic, and reports as lines of JSON.

python -m router.demo.replica    reads its orders as JSON from standard input
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections import Counter
from typing import Any

from router.errors import RouterError
from router.events import Event, StoreLost
from router.router import Router

from .scene import GROUP, Request, traffic

REPORT_S = 0.5
GRACE_S = 2.0


class Replica:
    """The traffic of one process.

    Args:
        orders: `model_list`, `redis_url`, `seconds`, `rps`, `seed`, `settings`.
    """

    def __init__(self, orders: dict[str, Any]) -> None:
        self.orders = orders
        self.calls = self.answered = 0
        self.failed: Counter[str] = Counter()
        self.slowest = 0.0
        self.outages = 0

    async def run(self) -> None:
        """Play the traffic to its end.  What is still open then is dropped, and counts neither way."""
        orders = self.orders
        settings = {"redis_url": orders["redis_url"], "listeners": [self._hear], **orders["settings"]}
        async with Router(orders["model_list"], **settings) as router:
            began = time.monotonic()
            tasks: set[asyncio.Task[None]] = set()
            reporter = asyncio.create_task(self._report(router))
            for request in traffic(orders["seconds"], orders["rps"], orders["seed"]):
                await asyncio.sleep(max(0.0, request.at - (time.monotonic() - began)))
                task = asyncio.create_task(self._ask(router, request))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            await asyncio.sleep(max(0.0, orders["seconds"] - (time.monotonic() - began)))
            if tasks:
                await asyncio.wait(tasks, timeout=GRACE_S)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            reporter.cancel()
            self._tell(router)

    def _hear(self, event: Event) -> None:
        self.outages += isinstance(event, StoreLost)

    async def _ask(self, router: Router, request: Request) -> None:
        self.calls += 1
        try:
            reply = await router.acompletion(model=GROUP, **request.body)
        except RouterError as error:
            self.failed[type(error).__name__] += 1
        else:
            self.answered += 1
            self.slowest = max(self.slowest, reply.routing.waited)

    async def _report(self, router: Router) -> None:
        while True:
            await asyncio.sleep(REPORT_S)
            self._tell(router)

    def _tell(self, router: Router) -> None:
        status = router.status()
        line = {
            "calls": self.calls,
            "answered": self.answered,
            "failed": dict(self.failed),
            "attempts": sum(one.attempts for one in status),
            "throttled": sum(one.throttles for one in status),
            "questions": router.questions,
            "limits": status[0].limits,
            "outages": self.outages,
            "slowest_wait_s": round(self.slowest, 3),
        }
        print(json.dumps(line), flush=True)  # noqa: T201 - the report


if __name__ == "__main__":
    logging.getLogger("router").setLevel(logging.CRITICAL)  # the table tells it better
    asyncio.run(Replica(json.load(sys.stdin)).run())
