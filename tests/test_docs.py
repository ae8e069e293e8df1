"""Do the examples of the documents run, and are their tables true?

Every block that begins with ```` ```python ```` and `# runnable` is executed against an emulated Azure.  The blocks of
one page share their names, from top to bottom, as a reader would type them.
"""

import ast
import json
import logging
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from router import errors, events
from router.azure.endpoint import parse_endpoint, split_model, url_for
from router.azure.operations import OPERATIONS
from router.config import Settings, settings_from, settings_from_file
from router.config.models import ModelInfo, Options, Params
from router.emulator import EmulatorServer, Latency, demo_config
from router.errors import ConfigError
from router.listeners import LEVELS
from router.status import DeploymentStatus
from router.surface import Surface
from router.values import Attempt, Kind, Routing
from strategies.by_name import DEFAULT, NAMES, strategy_named

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
RUNNABLE = re.compile(r"^```python\n(# runnable\n.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#([^)\s]*))?\)")
NAMED = re.compile(r"`([^`]+)`")
ENTRY = {
    "model_name": "gpt-4o",
    "litellm_params": {"model": "azure/x", "api_base": "https://east.openai.azure.com", "api_key": "k"},
}


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(page: str, heading: str, table: int = 0) -> list[list[str]]:
    """The cells of a table after a heading (the first, unless told), without its head."""
    found = re.findall(r"(?:^\|.*\n)+", text_of(page).split(f"# {heading}\n")[1], flags=re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found[table].splitlines()[2:]]


def names(page: str, heading: str, table: int = 0) -> list[str]:
    """What stands in backticks in the first column of a table."""
    return [name for row in rows(page, heading, table) for name in NAMED.findall(row[0])]


@pytest.fixture
def azure(monkeypatch):
    """The emulated Azure of the demonstration without its latencies, and the variables that the examples read."""
    config = demo_config()
    config.step_s = 0.01  # a batch is over in four of them
    for deployment in config.deployments:
        deployment.latency = Latency()
    with EmulatorServer.in_thread(config) as server:
        for resource in {d.resource for d in config.deployments}:
            monkeypatch.setenv(f"{resource.upper()}_BASE", server.base(resource))
            monkeypatch.setenv(f"{resource.upper()}_KEY", config.keys[0])
        yield server


def runnable(page: Path) -> list[tuple[int, str]]:
    """The examples of a page, each with the number of the line on which it begins."""
    text = page.read_text(encoding="utf-8")
    return [(text.count("\n", 0, match.start(1)), match[1]) for match in RUNNABLE.finditer(text)]


@pytest.mark.parametrize("page", [p for p in PAGES if runnable(p)], ids=lambda page: page.name)
def test_the_examples_of_a_page_run(page, azure, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # what an example writes does not stay
    shared = {"__name__": "example"}
    for line, block in runnable(page):
        tree = ast.increment_lineno(ast.parse(block, page.name), line)
        exec(compile(tree, page.name, "exec"), shared)


def test_the_main_example_of_the_readme_is_one_of_them(azure, capsys):
    ((_, block),) = runnable(ROOT / "README.md")
    exec(compile(block, "README.md", "exec"), {"__name__": "example"})
    said = capsys.readouterr().out
    assert "chat-east@" in said
    assert sum(tally["admitted"] for tally in azure.emulator.status().values()) == 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        there = (page.parent / target).resolve()
        assert there.exists(), f"{page.name} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), flags=re.MULTILINE)
            slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
            assert anchor in slugs, f"{page.name} links to {target}#{anchor}"


def test_the_index_names_every_document():
    listed = {target for target, _ in LINK.findall(text_of("docs/README.md"))}
    assert {p.name for p in (ROOT / "docs").glob("*.md")} - {"README.md"} <= listed


def test_the_readme_is_short_and_names_the_strategies():
    assert len(text_of("README.md").splitlines()) < 150
    first = [row[0] for row in rows("README.md", "Strategies")]
    assert first == [f"`{name}`" + (" (default)" if name == DEFAULT else "") for name in NAMES]


# ---- docs/migrating.md ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row", rows("docs/migrating.md", "Every form of `api_base`"), ids=lambda row: " ".join(row[:3])
)
def test_an_address_goes_where_the_table_says(row):
    model, base, version, url = (None if cell == "–" else cell.strip("`") for cell in row)
    endpoint = parse_endpoint(model, base, version)
    assert url_for(endpoint, split_model(model).name, "chat.completions") == url


@pytest.mark.parametrize("base", names("docs/migrating.md", "Every form of `api_base`", table=1))
def test_a_refused_address_is_refused(base):
    with pytest.raises(ValueError, match="api_base"):
        parse_endpoint("azure/chat", base, None)


def keys(heading: str) -> list[tuple[str, str]]:
    """Section and key of each row of a table of keys."""
    return [
        (NAMED.findall(row[0])[0], key) for row in rows("docs/migrating.md", heading) for key in NAMED.findall(row[1])
    ]


def read(tmp_path: Path, section: str, key: str) -> Settings:
    """The settings of a file that states this key in this section."""
    value = "all" if section != "retry_policy" else 3
    value = False if key == "tag_filtering_match_any" else value
    entry = json.loads(json.dumps(ENTRY))
    whole: dict[str, object] = {"model_list": [entry]}
    if section == "params":
        entry["litellm_params"][key] = value
    elif section == "model_info":
        entry["model_info"] = {key: value}
    elif section == "retry_policy":
        whole["router_settings"] = {"retry_policy": {key: value}}
    elif key == "redis_required":
        whole[section] = {key: True, "redis_host": "localhost"}
    else:
        whole[section] = {key: value}
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps(whole), encoding="utf-8")  # JSON is YAML
    return settings_from_file(path)


@pytest.mark.parametrize(("section", "key"), keys("Ignored, with one warning that names them"))
def test_an_ignored_key_gives_a_warning_and_no_error(section, key, tmp_path, caplog):
    assert len(read(tmp_path, section, key).deployments) == 1
    ((_, level, said),) = caplog.record_tuples
    assert level == logging.WARNING
    assert key in said


@pytest.mark.parametrize(("section", "key"), keys("Not there yet"))
def test_a_key_that_is_not_there_yet_is_an_error_with_a_way_out(section, key, tmp_path):
    with pytest.raises(ConfigError) as error:
        read(tmp_path, section, key)
    assert key in str(error.value)
    assert "unknown key" not in str(error.value)


def test_the_strategies_of_litellm_run_what_the_table_says():
    for row in rows("docs/migrating.md", "Not there yet", table=1):
        for name in NAMED.findall(row[0]):
            if "an error" in row[1]:
                with pytest.raises(ConfigError):
                    settings_from([ENTRY], routing_strategy=name)
            else:
                expected = strategy_named(NAMED.findall(row[1])[0])
                assert type(settings_from([ENTRY], routing_strategy=name).strategy) is type(expected)


def test_keys_that_are_said_to_run_unchanged_are_read():
    said = text_of("docs/migrating.md").split("## What runs unchanged\n")[1].split("```")[0]
    sections = {"`litellm_params`": Params, "`model_info`": ModelInfo, "Router settings": Options}
    checked = 0
    for start, model in sections.items():
        (bullet,) = [part for part in said.split("\n- ") if part.removeprefix("\n- ").lstrip("- ").startswith(start)]
        bullet = re.sub(r"\([^)]*\)", "", bullet.split(":", 1)[1])
        for key in NAMED.findall(bullet):
            assert key in model.model_fields, key
            checked += 1
    assert checked > 30


# ---- docs/errors.md ------------------------------------------------------------------------------------------------


def tree(cls: type, depth: int = 0) -> list[tuple[int, str]]:
    if cls.__module__ != errors.__name__:  # the inside's own
        return []
    return [(depth, cls.__name__)] + [line for sub in cls.__subclasses__() for line in tree(sub, depth + 1)]


def test_the_tree_of_errors_is_the_tree_of_the_code():
    drawing = text_of("docs/errors.md").split("```\n")[1].splitlines()
    drawn = [(len(re.match(r"[│├└─ ]*", line)[0]) // 4, re.search(r"\w+", line)[0]) for line in drawing]
    assert sorted(drawn) == sorted(tree(errors.RouterError))


def test_every_error_is_explained():
    assert sorted(names("docs/errors.md", "What each means and what to do")) == sorted(
        name for _, name in tree(errors.RouterError)
    )


def test_every_attribute_of_an_error_exists():
    error = errors.APIError("what happened")
    for name in names("docs/errors.md", "Attributes"):
        assert hasattr(error, name) or name in {f.name for f in fields(Attempt)}


def test_every_reason_of_an_attempt_is_explained_once():
    assert sorted(names("docs/errors.md", "Reasons of attempts")) == sorted(Kind)


# ---- docs/observing.md ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heading", "table", "record"),
    [
        ("One call: `reply.routing`", 0, Routing),
        ("One call: `reply.routing`", 1, Attempt),
        ("The fleet: `router.status()`", 0, DeploymentStatus),
    ],
)
def test_a_table_of_fields_is_complete(heading, table, record):
    facts = [field.name for field in fields(record) if field.repr]
    facts += [name for name, value in vars(record).items() if isinstance(value, property)]
    assert names("docs/observing.md", heading, table=table) == facts


def test_every_event_is_listed_with_its_level():
    said = {NAMED.findall(row[0])[0]: row[2] for row in rows("docs/observing.md", "Everything that happens: listeners")}
    assert said == {event.__name__: logging.getLevelName(LEVELS[event]) for event in get_args(events.Event)}


# ---- docs/operations.md --------------------------------------------------------------------------------------------


def test_every_operation_is_listed_with_what_it_sends_and_counts():
    methods = {getattr(Surface, name).__name__ for name in dir(Surface) if hasattr(Surface, f"a{name}")}  # no aliases
    assert set(names("docs/operations.md", "What there is")) == methods
    known = {f"{row.method} {row.path}": row for row in OPERATIONS.values()}
    for name, sends, counts, again, streams in rows("docs/operations.md", "What there is"):
        row = known[sends.strip("`")]
        assert (counts != "no") == row.charged, name
        assert (streams != "–") == row.streams, name
        assert ("where it is" in again) == ("{id}" in row.path), name


# ---- docs/decisions.md ---------------------------------------------------------------------------------------------


def test_every_dependency_has_its_reason():
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    needed = [re.split(r"[<>=]", line)[0] for line in project["dependencies"]]
    for extra, lines in project["optional-dependencies"].items():
        needed += [f"{re.split(r'[<>=]', line)[0]} (extra `{extra}`)" for line in lines]
    said = text_of("docs/decisions.md").split("## Runtime dependencies\n")[1].split("\n## ")[0]
    assert sorted(re.findall(r"^### (.*)$", said, flags=re.MULTILINE), key=str.lower) == sorted(needed, key=str.lower)


def test_a_decision_takes_five_lines_at_most():
    for part in text_of("docs/decisions.md").split("\n### ")[1:]:
        title, *lines = [line for line in part.split("\n## ")[0].splitlines() if line]
        assert len(lines) <= 5, title
