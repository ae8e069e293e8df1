"""What the viewer sees: a live table on a terminal, plain lines elsewhere, and the summary."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from router.status import DeploymentStatus

from .play import Play, Score

COLOURS = {
    "ready": "green",
    "slow_start": "cyan",
    "throttled": "yellow",
    "full": "yellow",
    "ejected": "red",
    "probing": "magenta",
    "unreachable": "red",
    "disabled": "red",
}
BAR = 16
WIDE = 128


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table, and whether a narrow terminal goes without it."""

    title: str
    cell: Callable[[Play, DeploymentStatus], str | Text]
    number: bool = True
    wide_only: bool = False


COLUMNS = (
    Column("deployment", lambda _, s: s.deployment, number=False),
    Column("state", lambda _, s: Text(s.state.replace("_", " "), style=COLOURS.get(s.state, "white")), number=False),
    Column("why", lambda _, s: _why(s), number=False),
    Column("room", lambda _, s: _bar(s), number=False, wide_only=True),
    Column("left", lambda _, s: f"{max(0, (s.tokens_limit or 0) - s.tokens_used):,}"),
    Column("of", lambda _, s: f"{s.tokens_limit or 0:,}", wide_only=True),
    Column("open", lambda _, s: str(s.in_flight), wide_only=True),
    Column("calls", lambda p, s: str(p.calls_by[s.deployment])),
    Column("share", lambda p, s: f"{p.calls_by[s.deployment] / max(1, p.calls_by.total()):.0%}", wide_only=True),
    Column("429s", lambda _, s: str(s.throttles)),
    Column("fails", lambda _, s: str(s.failures - s.throttles)),
    Column("latency", lambda _, s: f"{s.seconds * 1000:.0f} ms" if s.seconds else "–"),
)


def table(play: Play, width: int) -> Group:
    """The fleet now, the totals, and the last news, for a terminal of so many columns."""
    wide = width >= WIDE
    shape = box.ROUNDED if wide else None
    view = Table(title="azure-router demo: one group, four deployments", box=shape, pad_edge=wide, padding=(0, 1))
    columns = [column for column in COLUMNS if wide or not column.wide_only]
    for column in columns:
        view.add_column(column.title, justify="right" if column.number else "left", no_wrap=True)
    for status in _status(play):
        view.add_row(*(column.cell(play, status) for column in columns))
    news = [Text(f"  {at:5.1f} s  {text}", style="bold") for at, text in play.news]
    return Group(view, Text(totals(play)), *news)


def _status(play: Play) -> list[DeploymentStatus]:
    return play.router.status() if play.router is not None else []


def _why(status: DeploymentStatus) -> str:
    if status.state in ("ready", "slow_start"):
        return ""
    reason = status.reason.replace("_", " ") or "minute used up"
    return f"{reason}, {status.opens_in:.0f} s" if status.opens_in else reason


def _bar(status: DeploymentStatus) -> str:
    left = 1.0 - status.tokens_used / (status.tokens_limit or 1)
    filled = min(BAR, max(0, round(BAR * left)))
    return "█" * filled + "·" * (BAR - filled)


def totals(play: Play) -> str:
    """One line."""
    ours = play.ours
    return (
        f"{play.elapsed:5.1f} s   {ours.calls} calls, {play.open} open, {len(ours.seconds)} answered,"
        f" {ours.failed} failed, {ours.moved} saved by another attempt   (random spread: {play.random.failed} failed)"
    )


def line(play: Play) -> str:
    """The fleet in one plain line."""
    states = "  ".join(
        f"{s.deployment}: {s.state} {play.calls_by[s.deployment]} calls {s.throttles} 429s {s.utilisation:.0%} used"
        for s in _status(play)
    )
    return f"{totals(play)}\n         {states}"


def summary(play: Play) -> str:
    """What it came to, beside the plain random spread on the same traffic."""
    rows = [_row("", "router", "random spread")]
    ours, theirs = play.ours, play.random
    rows.append(_row("calls", str(ours.calls), str(theirs.calls)))
    rows.append(_row("failed for the caller", _share(ours), _share(theirs)))
    rows.append(_row("429s from the service", str(ours.refused), str(theirs.refused)))
    rows.append(_row("saved by another attempt", str(ours.moved), "0"))
    rows.append(_row("latency p50 / p95", _latency(ours), _latency(theirs)))
    kinds = ", ".join(f"{count} × {name}" for name, count in theirs.errors.most_common(4)) or "none"
    own = ", ".join(f"{count} × {name}" for name, count in ours.errors.most_common(4)) or "none"
    rows.append(f"  errors through the router: {own}; of the random spread: {kinds}")
    rows.append(
        "  Both had the same calls, limits and accidents, side by side.  The random spread sends each call\n"
        "  once to a deployment drawn evenly, as a client without a router would."
    )
    return "\n".join(rows)


def _row(name: str, ours: str, theirs: str) -> str:
    return f"  {name:<26}{ours:>20}{theirs:>20}"


def _share(score: Score) -> str:
    return f"{score.failed} ({score.failed / max(1, score.calls):.1%})"


def _latency(score: Score) -> str:
    return f"{score.percentile(0.5):.2f} / {score.percentile(0.95):.2f} s"


def show(seconds: float, rps: float, *, as_json: bool) -> None:
    """Play the demonstration and show it."""
    play = Play(seconds, rps)
    console = Console()
    logging.getLogger("router").setLevel(logging.CRITICAL)  # the table tells it better
    if as_json:
        asyncio.run(play.run())
        print(json.dumps({"router": play.ours.as_dict(), "random_spread": play.random.as_dict()}))  # noqa: T201 - the output
        return
    if console.is_terminal:
        asyncio.run(_live(play, console))
    else:
        asyncio.run(_plain(play, console))
    console.print(summary(play), highlight=False)


async def _live(play: Play, console: Console) -> None:
    with Live(table(play, console.width), console=console, refresh_per_second=8) as live:
        task = asyncio.create_task(play.run())
        while not task.done():
            await asyncio.wait([task], timeout=0.2)
            live.update(table(play, console.width))
        await task


async def _plain(play: Play, console: Console) -> None:
    task = asyncio.create_task(play.run())
    told = 0
    while not task.done():
        await asyncio.wait([task], timeout=max(0.5, play.seconds / 10))
        told = _tell_news(play.news[told:], console) + told
        console.print(line(play), highlight=False, soft_wrap=True)
    await task


def _tell_news(news: Iterable[tuple[float, str]], console: Console) -> int:
    count = 0
    for at, text in news:
        console.print(f"{at:5.1f} s   >>> {text}", highlight=False)
        count += 1
    return count
