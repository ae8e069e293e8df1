"""`azure-router batch` from upload to results, as a program of its own against the emulator."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from router import Router, batch_command
from router.cli import app
from router.emulator import EmulatedDeployment, EmulatorConfig, EmulatorServer
from router.replies import Batch, RequestCounts

from .fleets import KEY, entry

ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("AZURE_", "OPENAI_"))} | {"COLUMNS": "120"}
FAST = ("--poll", "0.05")


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    deployments = [EmulatedDeployment(n, resource=n) for n in ("east", "west")]
    with EmulatorServer.in_thread(EmulatorConfig(deployments, keys=[KEY], step_s=0.05)) as running:
        yield running


@pytest.fixture
def folder(server: EmulatorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a configuration and a file of requests are."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(json.dumps({"model_list": [entry(server, n) for n in ("east", "west")]}))
    write(tmp_path, ["gpt-4o"] * 3)
    return tmp_path


def write(folder: Path, models: list[Any]) -> None:
    lines = [
        {
            "custom_id": f"t-{i}",
            "method": "POST",
            "url": "/chat/completions",
            "body": {"model": model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 5},
        }
        for i, model in enumerate(models)
    ]
    (folder / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-u", "-m", "router", "batch", *arguments]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, env=ENVIRONMENT, cwd=folder, timeout=50, check=False
    )


def here(*arguments: str) -> Any:
    """The same in this process, which is quicker, in the current directory."""
    return CliRunner().invoke(app, ["batch", *arguments])


def answers(path: Path) -> dict[str, int]:
    """The status of each request in a file of results."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {line["custom_id"]: line["response"]["status_code"] for line in lines}


def test_a_file_is_run_and_its_results_are_written(folder: Path) -> None:
    done = run(folder, "run", "in.jsonl", *FAST)
    assert done.returncode == 0, done.stderr
    assert answers(folder / "in.results.jsonl") == {"t-0": 200, "t-1": 200, "t-2": 200}
    assert sorted(p.name for p in folder.iterdir()) == ["config.yaml", "in.jsonl", "in.results.jsonl"]
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"uploaded in\.jsonl to (east|west)", lines[0])
    assert re.fullmatch(r"started batch_\w[\w-]+", lines[1])
    assert lines[-1] == "completed: 3 of 3 requests succeeded"
    assert "validating" in lines
    assert "\x1b" not in done.stdout
    assert here("list").stdout == f"{lines[1].removeprefix('started ')}  completed  3/3\n"


def test_a_wait_that_is_interrupted_leaves_the_batch_running_and_says_how_to_go_on(
    folder: Path, server: EmulatorServer
) -> None:
    server.emulator.config.step_s = 1000.0
    with subprocess.Popen(
        command("run", "in.jsonl", *FAST),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd=folder,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("validating"):
                break
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    found = re.search(r"azure-router batch wait (\S+) --config config.yaml", said)
    assert found is not None, said
    assert f"azure-router batch cancel {found[1]} --config config.yaml" in said
    assert "Traceback" not in said

    server.emulator.config.step_s = 0.05
    done = here("wait", found[1], "--output", "out.jsonl", *FAST)
    assert done.exit_code == 0, done.stderr
    assert len(answers(folder / "out.jsonl")) == 3
    again = here("cancel", found[1])
    assert (again.exit_code, "Cannot cancel" in again.stderr) == (4, True)


def test_a_cancelled_batch_is_no_success(folder: Path, server: EmulatorServer) -> None:
    server.emulator.config.step_s = 1000.0
    with subprocess.Popen(
        command("run", "in.jsonl", *FAST),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd=folder,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        started = next(line for line in process.stdout if line.startswith("started"))
        stopped = here("cancel", started.split()[1])
        assert (stopped.exit_code, stopped.stdout) == (0, "cancelling: what is done by now is kept\n")
        server.emulator.config.step_s = 0.01
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert re.search(r"^cancelled: \d of", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["run", "missing.jsonl"], 4, "cannot be read"),
        (["run", "bad.jsonl"], 4, "line 2 of the batch file is no JSON"),
        (["run", "in.jsonl", "--model", "gpt-9"], 4, "no model named 'gpt-9'"),
        (["run", "in.jsonl", "--config", "missing.yaml"], 3, "missing.yaml"),
        (["run", "in.jsonl", "--endpoint", "/nonsense"], 4, "endpoint"),
        (["wait", "nonsense"], 4, "does not tell which deployment"),
        (["cancel", "batch_1"], 4, "does not tell which deployment"),
    ],
)
def test_a_mistake_is_told_in_a_line(arguments: list[str], code: int, expected: str, folder: Path) -> None:
    (folder / "bad.jsonl").write_text((folder / "in.jsonl").read_text().splitlines()[0] + '\n{"secret\n')
    done = here(*arguments)
    assert done.exit_code == code, done.stderr
    assert expected in done.stderr
    assert "secret" not in done.output
    assert KEY not in done.output


def test_a_batch_with_a_failed_request_is_no_success(folder: Path) -> None:
    """A line that the service refuses is in the file of errors."""
    text = (folder / "in.jsonl").read_text().replace('"max_tokens": 5', '"max_tokens": -5', 1)
    (folder / "in.jsonl").write_text(text)
    done = here("run", "in.jsonl", *FAST)
    assert done.exit_code == 1, done.output
    assert answers(folder / "in.results.jsonl").keys() == {"t-1", "t-2"}
    assert answers(folder / "in.results.errors.jsonl") == {"t-0": 400}
    assert "2 of 3 requests succeeded" in done.stdout


def test_a_batch_that_fails_as_a_whole_says_why(folder: Path) -> None:
    text = (folder / "in.jsonl").read_text().replace('"url": "/chat/completions"', '"url": "/embeddings"', 1)
    (folder / "in.jsonl").write_text(text)
    done = here("run", "in.jsonl", "--endpoint", "/chat/completions", *FAST)
    assert done.exit_code == 1, done.output
    assert "line 1: " in done.stderr
    assert "failed: 0 of" in done.stdout
    assert not list(folder.glob("*results*"))


def test_a_batch_that_is_refused_leaves_no_file_behind(folder: Path) -> None:
    assert here("run", "in.jsonl", "--endpoint", "/nonsense").exit_code == 4
    with Router.from_config(folder / "config.yaml") as router:
        assert router.list_files().data == []


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setenv("TERM", "xterm")
    with batch_command._shown() as show:
        show(Batch(status="Validating"))
        show(Batch(status="in_progress", request_counts=RequestCounts(total=8, completed=2, failed=1)))
    assert "in_progress" in screen.getvalue()
    assert "3/8" in screen.getvalue()
    assert "\x1b[" in screen.getvalue()
