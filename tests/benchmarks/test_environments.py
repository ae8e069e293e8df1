from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import environments
from benchmarks.lab import Lab, Seat, Settings


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(environments, "FOLDER", tmp_path)
    return tmp_path


def test_a_peer_runs_in_its_own_environment_once_that_is_whole(folder: Path) -> None:
    python = folder / "litellm" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert environments.interpreter("litellm") is None  # pip was interrupted
    (folder / "litellm" / ".ready").touch()
    assert environments.interpreter("litellm") == python
    assert environments.interpreter("router") == Path(sys.executable)


def test_who_is_missing_is_said_with_the_way_to_install_it(capsys) -> None:
    lab = Lab(Settings())
    assert lab.worker(Seat("litellm")) is None
    assert "python -m benchmarks.environments litellm" in lab.missing["litellm"]
    assert "litellm is not installed" in capsys.readouterr().err


def test_an_unknown_environment_is_refused(capsys) -> None:
    assert environments.main(["litelm"]) == 2
    assert "no environment is called litelm; there are litellm, openai" in capsys.readouterr().err
