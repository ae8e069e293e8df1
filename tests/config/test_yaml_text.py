"""YAML that guesses nothing, and cannot be made to take long."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from router.config import yaml_text
from router.config.yaml_text import MAX_BYTES, MAX_DEPTH, Plain, parse_yaml, plain, read_yaml
from router.errors import ConfigError

LOADERS = [yaml.CSafeLoader, yaml.SafeLoader]


def value(text: str) -> Any:
    return plain(parse_yaml(text).value)


def refusal(data: str | bytes) -> str:
    began = time.perf_counter()
    with pytest.raises(ConfigError) as caught:
        parse_yaml(data)
    assert time.perf_counter() - began < 1.0
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("2024-10-21", "2024-10-21"),
        ("12:30:45", "12:30:45"),
        ("0123", "0123"),
        ("0o17", "0o17"),
        ("0x1f", "0x1f"),
        ("no", "no"),
        ("On", "On"),
        ("y", "y"),
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("tRUE", "tRUE"),
        ("null", None),
        ("~", None),
        ("", None),
        ("240000", 240000),
        ("240_000", 240000),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        (".inf", ".inf"),
        (".nan", ".nan"),
        (".", "."),
        ("'240000'", "240000"),
        ('"true"', "true"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_an_unquoted_scalar_means_only_what_it_says(written: str, means: Any) -> None:
    assert value(f"key: {written}") == {"key": means}
    assert type(value(f"key: {written}")["key"]) is type(means)


def test_an_unquoted_number_is_still_the_text_that_was_written() -> None:
    """A version 1.10 is not 1.1."""
    written = parse_yaml("version: 1.10").value["version"]
    assert isinstance(written, Plain)
    assert written == "1.10"
    assert written.number() == 1.1


def test_a_key_that_is_no_word_is_the_text_that_was_written() -> None:
    assert value("4: a\n2024-10-21: b\ntrue: c\nnull: d") == {"4": "a", "2024-10-21": "b", "true": "c", "null": "d"}


def test_lists_mappings_and_blocks_are_read() -> None:
    text = "a:\n  - b: [1, {c: d}]\n  - |\n    two\n    lines\ne: {}\nf: []\n"
    assert value(text) == {"a": [{"b": [1, {"c": "d"}]}, "two\nlines\n"], "e": {}, "f": []}


def test_anchors_may_be_used_again_and_merged_without_beating_what_is_stated() -> None:
    text = "base: &b {x: 1, y: 2}\none: *b\ntwo:\n  <<: *b\n  y: 3\nthree:\n  y: 4\n  <<: *b\n"
    whole = value(text)
    assert whole["one"] == {"x": 1, "y": 2}
    assert whole["two"] == {"x": 1, "y": 3}
    assert whole["three"] == {"x": 1, "y": 4}
    assert value('"<<": 1') == {"<<": 1}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", "config.yaml:3:1: a key that stands here twice"),
        ("a: !!python/object/apply:os.system ['true']", "a tag"),
        ("key: !Canary-secret", "a tag"),
        ("key: *canary-secret", "an alias"),
        ("a: &a [*a]", "an alias"),
        ("a: 1\n---\nb: 2\n", "a second document"),
        ("? [a]\n: b\n", "keys are text"),
        ("a: &x b\n*x : c\n", "keys are text"),
        ("a:\n  <<: b\n", "a merge"),
        ("a:\n\t- b\n", "config.yaml:2:1: a tab"),
        ("a:\n  - b: 1\n\t  c: 2\n", "a tab"),
        ("a: [1, 2", "no valid YAML"),
        ('a: "canary-secret', "no valid YAML"),
        ("a: canary: secret", "no valid YAML"),
        ("a: %canary-secret", "no valid YAML"),
        ("a: @canary-secret", "no valid YAML"),
        ("!canary!secret a: b", "no valid YAML"),
        ("a: \x07", "control character"),
        ("", "is empty"),
        ("# only a comment\n", "is empty"),
    ],
)
@pytest.mark.parametrize("loader", LOADERS)
def test_what_could_be_misread_is_refused_with_its_place_and_without_quoting_it(
    text: str, says: str, loader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With libyaml and without it, for their messages differ."""
    monkeypatch.setattr(yaml_text, "_LOADER", loader)
    message = refusal(text)
    assert says.lower() in message.lower()
    assert message.startswith("config.yaml")
    assert "canary" not in message.lower()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("a: b".encode("utf-16"), "UTF-16"),
        ("a: b".encode("utf-16-le"), "UTF-16"),
        ("a: b".encode("utf-8-sig"), "byte order mark"),
        ("a: 1\nb: gr\u00fcn".encode("latin-1"), "config.yaml:2:6: is not UTF-8"),
        (b"\x00\x01\x02", "UTF-16 or binary"),
        (b"a: b\n" * (MAX_BYTES // 5 + 1), "larger than"),
    ],
)
def test_a_file_in_another_encoding_says_how_to_save_it(data: bytes, says: str) -> None:
    assert says in refusal(data)


@pytest.mark.parametrize("text", ["[" * 3000, "{a: " * 3000, "- " * 3000, "a: " + "[" * 200_000])
def test_deep_nesting_is_refused_at_once(text: str) -> None:
    assert f"more than {MAX_DEPTH} deep" in refusal(text)


def test_the_depth_that_is_allowed_is_allowed() -> None:
    assert value("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert "deep" in refusal("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


def test_depth_counts_what_aliases_stand_for() -> None:
    half = "a: &a " + "[" * 20 + "]" * 20
    assert value(half + "\nb: [[*a]]")
    assert "once its aliases are followed" in refusal(half + "\nb: " + "[" * 15 + "*a" + "]" * 15)


def test_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    assert "once its aliases are followed" in refusal("\n".join(lines))


def test_every_value_remembers_its_line_and_column() -> None:
    document = parse_yaml("a: 1\nlist:\n  - x: 1\n  - x: 1\n    key: 2\n")
    assert document.mark_of(("a",)) == (1, 1)
    assert document.mark_of(("list", 1, "key")) == (5, 5)
    assert document.mark_of(("list", 1, "missing")) == (4, 5)
    assert document.mark_of(("nothing", "here")) is None


def test_a_file_that_is_not_there_or_no_file_says_so(tmp_path: Path) -> None:
    for path, says in ((tmp_path / "absent.yaml", "absent.yaml: cannot be read"), (tmp_path, "no ordinary file")):
        with pytest.raises(ConfigError, match=says):
            read_yaml(path)


_SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text("abc: #'\"\n", max_size=8)
_KEYS = st.text("abc", min_size=1, max_size=4)


@given(st.recursive(_SCALARS, lambda part: st.lists(part, max_size=4) | st.dictionaries(_KEYS, part, max_size=4)))
def test_whatever_is_written_by_another_writer_of_yaml_comes_back(whole: Any) -> None:
    """PyYAML quotes what YAML 1.1 would misread, so what it writes means the same to both."""
    assert value(yaml.safe_dump({"whole": whole})) == {"whole": whole}


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_anything_is_read_or_refused_with_a_config_error_that_names_the_file(data: str | bytes) -> None:
    message = "config.yaml"
    try:
        parse_yaml(data)
    except ConfigError as error:
        message = str(error)
    assert message.startswith("config.yaml")
