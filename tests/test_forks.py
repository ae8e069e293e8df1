"""What does a child process take over?  Locks and calls are tested where they are held; here the dice."""

from __future__ import annotations

import os
import subprocess
import sys
from random import Random

import pytest

from router.configured import Deployment
from router.ledger import Ledger
from strategies.least_loaded import LeastLoaded

CHOICES = """
import os, sys
from router import Router
from router.steps import Reserve
from router.values import Call

seed = None if sys.argv[1] == "None" else int(sys.argv[1])
strategy = sys.argv[2]
names = [f"d{n}" for n in range(10)]
params = {"api_base": "https://x.openai.azure.com", "api_key": "k", "api_version": "2024-10-21"}
fleet = [{"model_name": "g", "litellm_params": {"model": f"azure/{name}", **params}} for name in names]
router = Router(fleet, routing_strategy=strategy, seed=seed)

def show():
    store = router._works.store
    leases = [store.apply(Reserve(Call("chat.completions", "g", {}, 1), "g")) for _ in range(20)]
    chosen = [lease.deployment.id for lease in leases]
    print(*chosen, flush=True)

for _ in range(2):
    child = os.fork()
    if child == 0:
        show()
        os._exit(0)
    os.waitpid(child, 0)
show()
"""


def _choices(strategy: str, seed: int | None) -> list[str]:
    """Of two children and then of their parent: a line each."""
    program = [sys.executable, "-c", CHOICES, str(seed), strategy]
    return subprocess.run(program, check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.parametrize("strategy", ["simple-shuffle", "least-loaded"])
def test_forked_workers_do_not_march_in_step(strategy: str) -> None:
    assert len(set(_choices(strategy, None))) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.parametrize("strategy", ["simple-shuffle", "least-loaded"])
def test_with_a_seed_the_choices_of_children_can_be_repeated(strategy: str) -> None:
    assert _choices(strategy, 7) == _choices(strategy, 7)


def test_a_child_looks_at_other_deployments_together_than_its_parent() -> None:
    fleet = [Deployment(f"d{n}", "g", "m") for n in range(10)]
    ledger = Ledger(fleet, LeastLoaded(), Random(1))
    together = _shown(ledger)
    ledger.rng.seed(2)
    ledger.forked(100.0)
    assert _shown(ledger) != together


def _shown(ledger: Ledger, times: int = 10) -> list[list[str]]:
    tier = ledger.groups["g"].tiers[0]
    return [[account.name for account in tier.candidates(ledger.asking.about(1, 100.0, 0, ()))] for _ in range(times)]


def test_a_child_goes_on_to_look_at_each_by_its_configured_size() -> None:
    """Whatever limits held at the moment of the fork, such as those that a 429 has taught."""
    fleet = [Deployment(f"d{n}", "g", "m", tpm=1000) for n in range(10)]
    ledger = Ledger(fleet, LeastLoaded(), Random(1))
    cut = ledger.accounts["d3"]
    cut.limit.cut(10, 100.0)
    cut.obey_limit()
    assert cut.capacity < 100
    ledger.forked(100.0)
    seen = [name for names in _shown(ledger, 400) for name in names]
    assert seen.count("d3") == pytest.approx(120, abs=15)


def test_a_child_finds_the_windows_whole() -> None:
    ledger = Ledger([Deployment("d0", "g", "m", tpm=1000)], LeastLoaded(), Random(1))
    tokens = ledger.accounts["d0"].tokens
    tokens.used += 50  # another thread was charging
    ledger.forked(100.0)
    assert tokens.used == 0


LOCKS = """
import os, signal
from router.azure import credentials
from router.direct import Places

places, stated = Places(), {"api_base": "https://x.openai.azure.com", "api_key": "k", "api_version": "2024-10-21"}
places._lock.acquire()  # as if other threads were in the middle of it
credentials._shared._lock.acquire()
child = os.fork()
if child == 0:
    signal.alarm(20)  # so that one that hangs does not outlive the test
    places.router("azure/gpt", {**stated})
    credentials.from_provider(lambda: "token")
    os._exit(0)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_a_child_waits_for_no_lock_of_the_functions_and_of_the_token_providers() -> None:
    subprocess.run([sys.executable, "-c", LOCKS], check=True, timeout=30)
