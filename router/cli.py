"""The command line: `azure-router demo`, `azure-router emulate`, `azure-router check`, `azure-router batch`."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Annotated

import typer

from .errors import ConfigError

app = typer.Typer(
    help="Spread calls over many Azure OpenAI deployments.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,  # they show local variables, and a local variable may be a key
)


@app.command()
def demo(
    seconds: Annotated[float, typer.Option(min=2, max=600, help="How long the traffic lasts.")] = 20.0,
    rps: Annotated[float, typer.Option(min=0.5, max=500, help="Calls per second.")] = 25.0,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON and nothing else.")] = False,
    replicas: Annotated[int, typer.Option(min=1, max=64, help="So many processes share the group; needs --redis.")] = 1,
    redis: Annotated[bool, typer.Option("--redis", help="Share limits through a Redis of the demo's own.")] = False,
    redis_url: Annotated[str | None, typer.Option(help="Share limits through this Redis instead.")] = None,
    load: Annotated[float, typer.Option(min=0.1, max=5, help="With --redis: asked for, of what may be taken.")] = 1.5,
) -> None:
    """Real traffic over an emulated fleet that fails on cue, beside a plain random spread.  Needs no account.

    With --replicas and --redis: several processes share one group above its limits, and together stay under them.
    """
    with contextlib.suppress(KeyboardInterrupt):
        if redis or redis_url or replicas > 1:
            from .demo import shared

            try:
                shared.show(shared.SharedPlay(replicas, redis_url, seconds, rps, load), as_json=json)
            except ConfigError as error:
                typer.echo(f"azure-router: {error}", err=True)
                raise typer.Exit(2) from None
            return
        from .demo.show import show

        show(seconds, rps, as_json=json)


@app.command()
def emulate(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8080,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    config: Annotated[Path | None, typer.Option(help="A YAML file; see docs/emulator.md.")] = None,
) -> None:
    """Serve an emulated Azure until Ctrl-C."""
    from .emulator import demo_config, read_emulator_config
    from .emulator.server import EmulatorServer

    try:
        emulated = read_emulator_config(config) if config is not None else demo_config()
    except ConfigError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(3) from None

    async def serve() -> None:
        server = EmulatorServer(emulated)
        async with server.serving(host, port):
            key = f", api_key {emulated.keys[0]}" if config is None else ""  # of the built-in four, which is no secret
            typer.echo(f"emulating {len(emulated.deployments)} deployments{key}:")
            for d in emulated.deployments:
                limits = "  ".join(f"{name} {limit or 'without'}" for name, limit in (("tpm", d.tpm), ("rpm", d.rpm)))
                typer.echo(f"  {d.name:<22} api_base {server.base(d.resource)}  {limits}")
            await asyncio.Event().wait()

    try:
        asyncio.run(serve())
    except KeyboardInterrupt:
        typer.echo("stopped")
    except OSError as error:
        typer.echo(f"error: cannot listen on {host}:{port}: {error.strerror}; give another --port", err=True)
        raise typer.Exit(4) from None


@app.command()
def check(config: Annotated[Path, typer.Argument(help="A config.yaml in LiteLLM's shape.")]) -> None:
    """Read a configuration and say everything that is wrong with it.  Sends nothing."""
    from .config import settings_from_file

    try:
        settings = settings_from_file(config)
    except ConfigError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(3) from None
    groups = list(dict.fromkeys(d.group for d in settings.deployments))
    typer.echo(f"{config}: fine: {len(settings.deployments)} deployments in {len(groups)} groups")
    for d in settings.deployments:
        typer.echo(f"  {d.group:<20} {d.id:<28} tpm {d.tpm or '–'}  rpm {d.rpm or '–'}  order {d.order}")


# ---- batches -----------------------------------------------------------------------------------------------------

batch = typer.Typer(help="Batches: run, wait for, list and cancel them.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(batch, name="batch")

Config = Annotated[Path, typer.Option(help="A config.yaml in LiteLLM's shape.")]
Output = Annotated[Path | None, typer.Option(help="Where the results go; errors go beside them.")]
Poll = Annotated[float, typer.Option(min=0.05, max=3600, help="Seconds between two questions.")]


@batch.command("run")
def batch_run(
    file: Annotated[Path, typer.Argument(help="JSON lines whose `body.model` names a group.")],
    config: Config = Path("config.yaml"),
    output: Output = None,
    endpoint: Annotated[str | None, typer.Option(help="Of all lines; else the `url` of the first.")] = None,
    model: Annotated[str | None, typer.Option(help="The group, where the lines name none.")] = None,
    poll: Poll = 60.0,
) -> None:
    """Upload a file, run it as a batch, wait, and write the results.  Ctrl-C leaves the batch running."""
    from . import batch_command

    raise typer.Exit(batch_command.guarded(lambda: batch_command.run(file, config, output, endpoint, model, poll)))


@batch.command("wait")
def batch_wait(
    batch_id: Annotated[str, typer.Argument(help="As `batch run` told it.")],
    config: Config = Path("config.yaml"),
    output: Output = None,
    poll: Poll = 60.0,
) -> None:
    """Wait for a batch that runs, and write its results.  Ctrl-C leaves it running."""
    from . import batch_command

    raise typer.Exit(batch_command.guarded(lambda: batch_command.wait(batch_id, config, output, poll)))


@batch.command("list")
def batch_list(
    config: Config = Path("config.yaml"),
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 20,
) -> None:
    """List the latest batches of all resources."""
    from . import batch_command

    raise typer.Exit(batch_command.guarded(lambda: batch_command.show_all(config, limit)))


@batch.command("cancel")
def batch_cancel(
    batch_id: Annotated[str, typer.Argument(help="As `batch run` told it.")], config: Config = Path("config.yaml")
) -> None:
    """Cancel a batch.  What is done by then is kept."""
    from . import batch_command

    raise typer.Exit(batch_command.guarded(lambda: batch_command.cancel(batch_id, config)))


def main() -> None:
    """The entry point of `azure-router`."""
    app()
