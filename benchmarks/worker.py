"""One contender in a process of its own: reads what to measure, a line of JSON at a time, and answers with figures.

    python -m benchmarks.worker NAME asyncio|trio|blocking OPTIONS

Runs in the contender's environment, so it needs the standard library alone.  While nothing is asked it stands still,
its event loop too, so that contenders that wait for their turn cost the others nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TextIO

from . import deeds
from .contenders import Contender
from .service import pin


def load(name: str) -> type[Contender]:
    """The class `Entry` of `contenders/NAME.py`."""
    entry: type[Contender] = import_module(f"benchmarks.contenders.{name.replace('-', '_')}").Entry
    return entry


def age() -> None:
    """Free one large block, as every program has that lived a while.

    Until then glibc maps each large buffer anew, so each read of asyncio's (into 256 kB) costs page faults.
    A process that has imported a router is past that, one with a bare client is not: 14 µs of each call, seen here.
    """
    bytearray(2**20)


async def serve(contender: Contender, world: str, asked: TextIO, answers: TextIO) -> None:
    """Do one deed after the other until there are no more lines."""
    age()
    await contender.open()
    for line in asked:
        question: dict[str, Any] = json.loads(line)
        answer: dict[str, Any]
        try:
            answer = {"values": await deeds.DEEDS[question.pop("deed")](contender, world, **question)}
        except deeds.NotOffered as error:
            answer = {"not_offered": str(error)}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)
    await contender.close()


def main() -> None:
    """Say whose figures these are, then serve."""
    name, world, given = sys.argv[1:]
    options: dict[str, Any] = json.loads(given)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    pin(options.pop("place"))
    contender = load(name)(**options)
    try:
        release = version(contender.distribution)
    except PackageNotFoundError:
        release = "?"
    print(json.dumps({"version": release}), file=answers, flush=True)
    if world == "trio":
        import trio

        trio.run(serve, contender, world, sys.stdin, answers)
    else:
        asyncio.run(serve(contender, world, sys.stdin, answers))


if __name__ == "__main__":
    main()
