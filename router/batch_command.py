"""`azure-router batch`: a file of requests from upload to results, in the foreground.

The batch itself runs at the service, so nothing is lost when this program is: Ctrl-C, a closed laptop and a dead
network leave it running, and `batch wait` takes it up again by its id.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shlex import quote
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from .errors import APIError, APIStatusError, ConfigError, RouterError
from .ids import owner_of
from .replies import Batch, FileObject
from .router import Router
from .spool import first_of
from .uploads import upload

WELL, UNWELL, MISCONFIGURED, FAILED, INTERRUPTED = 0, 1, 3, 4, 130
"""Exit codes: every request succeeded; some did not, or the batch did not complete; the configuration or an argument
is wrong; a call failed; Ctrl-C."""
DEFAULT_ENDPOINT = "/chat/completions"


def run(file: Path, config: Path, output: Path | None, endpoint: str | None, model: str | None, poll_s: float) -> int:
    """Upload, start, wait, fetch.  Returns the exit code."""
    with _opened(config) as router:
        where = endpoint or first_of(upload("file", file)).url or DEFAULT_ENDPOINT
        kept = router.create_file(file, "batch", model=model)
        typer.echo(f"uploaded {file} to {kept.routing.deployment}")
        try:
            batch = _started(router, kept, where)
        except KeyboardInterrupt:
            return _told("stopped while the batch was being started; look with: azure-router batch list", INTERRUPTED)
        typer.echo(f"started {batch.id}")
        return _waited(router, batch.id, config, output or file.with_suffix(".results.jsonl"), poll_s)


def wait(batch_id: str, config: Path, output: Path | None, poll_s: float) -> int:
    """Wait and fetch.  Returns the exit code."""
    with _opened(config) as router:
        own_id = owner_of(batch_id)[1]
        return _waited(router, batch_id, config, output or Path(f"{own_id}.results.jsonl"), poll_s)


def cancel(batch_id: str, config: Path) -> int:
    """Cancel.  Returns the exit code."""
    with _opened(config) as router:
        typer.echo(f"{router.cancel_batch(batch_id).status}: what is done by now is kept")
        return WELL


def show_all(config: Path, limit: int) -> int:
    """List the latest batches of all resources.  Returns the exit code."""
    with _opened(config) as router:
        page = router.list_batches(limit=limit)
        for batch in page.data:
            total, done = _counts(batch)
            typer.echo(f"{batch.id}  {batch.status.lower()}  {done}/{total}")
        for deployment in page.missing:
            typer.echo(f"{deployment} did not answer", err=True)
        return UNWELL if page.missing else WELL


def guarded(command: Callable[[], int]) -> int:
    """The exit code of a command, with its errors told rather than thrown."""
    try:
        return command()
    except ConfigError as error:
        return _told(f"error: {error}", MISCONFIGURED)
    except RouterError as error:
        return _told(f"error: {error}", FAILED)
    except OSError as error:
        return _told(f"error: cannot write {error.filename}: {error.strerror}", FAILED)
    except KeyboardInterrupt:
        return _told("stopped; no batch was started", INTERRUPTED)


def _told(text: str, code: int) -> int:
    typer.echo(text, err=True)
    return code


@contextmanager
def _opened(config: Path) -> Iterator[Router]:
    with Router.from_config(config) as router:
        yield router


def _started(router: Router, kept: FileObject, endpoint: str) -> Batch:
    """The batch of a file; where it was clearly refused, the file goes as well."""
    try:
        return router.create_batch("24h", endpoint, kept.id)
    except APIStatusError as error:
        if error.status_code is not None and 400 <= error.status_code < 500:
            with suppress(APIError):
                router.delete_file(kept.id)
        raise


def _waited(router: Router, batch_id: str, config: Path, output: Path, poll_s: float) -> int:
    """Wait for a batch and fetch what it made."""
    try:
        with _shown() as show:
            batch = router.wait_for_batch(batch_id, on_progress=show, poll_interval=poll_s)
        return _fetched(router, batch, output)
    except KeyboardInterrupt:
        typer.echo(f"\nthe batch goes on; {_ways_on(batch_id, config)}", err=True)
        return INTERRUPTED
    except (APIError, OSError):
        typer.echo(f"the batch is not lost; {_ways_on(batch_id, config)}", err=True)
        raise


def _ways_on(batch_id: str, config: Path) -> str:
    rest = f"{batch_id} --config {quote(str(config))}"
    return f"to go on:  azure-router batch wait {rest}\nto stop it:  azure-router batch cancel {rest}"


# ---- progress --------------------------------------------------------------------------------------------------


@contextmanager
def _shown() -> Iterator[Callable[[Batch], None]]:
    """A bar on a terminal; elsewhere a line whenever something has changed."""
    if not sys.stdout.isatty():
        said = ""

        def say(batch: Batch) -> None:
            nonlocal said
            total, done = _counts(batch)
            line = f"{batch.status.lower()}  {done}/{total}" if total else batch.status.lower()
            if line != said:
                typer.echo(line)
                said = line

        yield say
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(highlight=False)) as progress:
        task = progress.add_task("waiting", total=None)

        def show(batch: Batch) -> None:
            total, done = _counts(batch)
            progress.update(task, description=batch.status.lower(), total=total or None, completed=done)

        yield show


def _counts(batch: Batch) -> tuple[int, int]:
    """Requests in all and requests done, failed ones included."""
    counts = batch.request_counts
    return (counts.total, counts.completed + counts.failed) if counts is not None else (0, 0)


# ---- results ---------------------------------------------------------------------------------------------------


def _fetched(router: Router, batch: Batch, output: Path) -> int:
    """Write what the batch made, and say how it went."""
    for error in _errors(batch):
        typer.echo(f"  {error}", err=True)
    errors = output.with_suffix(".errors.jsonl") if output.suffix == ".jsonl" else Path(f"{output}.errors.jsonl")
    if batch.output_file_id and _saved(router, batch.output_file_id, output):
        typer.echo(f"results: {output}")
    failures = bool(batch.error_file_id) and _saved(router, str(batch.error_file_id), errors)
    if failures:
        typer.echo(f"errors: {errors}")
    counts = batch.request_counts
    failed = counts.failed if counts is not None else 0
    total, done = _counts(batch)
    typer.echo(f"{batch.status.lower()}: {done - failed} of {total} requests succeeded")
    return WELL if batch.status.lower() == "completed" and not failed and not failures else UNWELL


def _saved(router: Router, file_id: str, path: Path) -> bool:
    """Write a file as it comes, beside its place until it is whole.  False: it is empty, and nothing was written."""
    with router.file_content(file_id, stream=True) as pieces:
        first = next(pieces, b"")
        if not first:
            return False
        part = path.with_name(f".{path.name}.part")
        try:
            with part.open("wb") as file:
                file.write(first)
                for piece in pieces:
                    file.write(piece)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    return True


def _errors(batch: Batch) -> Iterator[str]:
    """Why a batch failed, a line each, as the service says it."""
    listed: Any = batch.errors
    for error in (listed.get("data") if isinstance(listed, dict) else None) or ():
        if isinstance(error, dict):
            line = f"line {error['line']}: " if error.get("line") is not None else ""
            yield f"{line}{error.get('message') or error.get('code')}"
