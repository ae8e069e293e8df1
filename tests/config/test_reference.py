"""The page about the keys is the one that the models make."""

from __future__ import annotations

from pathlib import Path

from router.config.files import SECTIONS
from router.config.keys import IGNORED, NOT_YET, REQUEST_PARAMETERS
from router.config.models import Options, Params
from router.config.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_page_is_up_to_date() -> None:
    """If not: `python -m router.config.reference`."""
    assert PAGE.read_text(encoding="utf-8") == reference()


def test_every_key_is_on_the_page() -> None:
    page = reference()
    for key in (*Options.model_fields, *Params.model_fields, *REQUEST_PARAMETERS, *SECTIONS):
        assert f"`{key}`" in page
    for keys in (*IGNORED.values(), *NOT_YET.values()):
        for key in keys:
            assert f"`{key}`" in page


def test_every_running_key_has_a_description_that_is_a_sentence() -> None:
    for name, field in {**Options.model_fields, **Params.model_fields}.items():
        assert field.description, name
        assert field.description.endswith((".", "`.")), name
