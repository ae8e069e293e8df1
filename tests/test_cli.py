"""Does the command line do what it says, and end as scripts expect?"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("AZURE_", "OPENAI_"))} | {"COLUMNS": "120"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "router", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=50, check=False)


def test_the_demo_fails_nobody_where_a_random_spread_fails_many() -> None:
    """Four seconds of it: measured in one run, on the same traffic."""
    done = run("demo", "--seconds", "4", "--rps", "20", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["router"]["failed"] == 0
    assert summary["random_spread"]["failed"] > 0
    assert summary["router"]["calls"] == summary["random_spread"]["calls"] > 40


def test_the_demo_is_plain_text_where_there_is_no_terminal() -> None:
    done = run("demo", "--seconds", "2", "--rps", "10")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert re.search(r"failed for the caller +\d+ \(\d+\.\d%\) +\d+ \(\d+\.\d%\)", done.stdout)


def test_two_processes_share_one_quota_and_stay_under_it() -> None:
    done = run("demo", "--replicas", "2", "--redis", "--seconds", "4", "--rps", "30", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["refused_by_service"] == 0
    assert 0.8 < summary["highest_share_of_a_limit_in_a_minute"] <= 1.0
    assert summary["answered"] < summary["calls"]


def test_the_emulator_serves_until_it_is_stopped(tmp_path: Path) -> None:
    config = tmp_path / "emulator.yaml"
    config.write_text("deployments:\n  - {name: chat, resource: east, tpm: 1000}\nkeys: [k]\n")
    command = [sys.executable, "-u", "-m", "router", "emulate", "--port", "0", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline(), process.stdout.readline()]
            base = re.search(r"http://\S+", "".join(lines))
            assert base is not None, lines
            request = urllib.request.Request(
                f"{base.group(0)}/openai/deployments/chat/chat/completions?api-version=2024-10-21",
                json.dumps({"messages": [{"role": "user", "content": "hello"}]}).encode(),
                {"api-key": "k", "content-type": "application/json"},
            )
            with urllib.request.urlopen(request) as answer:
                assert json.load(answer)["choices"]
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("text", "code", "expected"),
    [
        (
            "model_list:\n  - model_name: g\n    litellm_params: {model: azure/d, api_base: 'https://x.openai.azure.com',"
            " api_key: k}\n",
            0,
            "1 deployments in 1 groups",
        ),
        ("model_list:\n  - model_name: g\n    litellm_params: {model: azure/d, api_bse: x}\n", 3, "api_base"),
        ("model_list: [", 3, "YAML"),
    ],
)
def test_check_reads_a_configuration_and_sends_nothing(tmp_path: Path, text: str, code: int, expected: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    done = run("check", str(path))
    assert done.returncode == code
    assert expected in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
