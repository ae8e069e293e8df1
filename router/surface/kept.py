"""What files, batches and fine-tuning jobs have in common: a resource keeps them, and their ids tell which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from router.errors import BadRequestError
from router.ids import with_owner
from router.question import Question
from router.tours import Tour, arun, run

from .door import Door
from .listing import Listing, listed

if TYPE_CHECKING:
    from router.placing import Place, Places

OWNED = ("id", "input_file_id", "output_file_id", "error_file_id", "training_file", "validation_file")
"""Fields of an answer that hold an id of something on the same resource."""


class Kept(Door):
    """The ways that the files beside this one go through the doors."""

    _places: Places

    def _run(self, tour: Tour[Any]) -> Any:
        return run(tour, self._ask)

    async def _arun(self, tour: Tour[Any]) -> Any:
        return await arun(tour, self._aask)

    def _kept(
        self,
        operation: str,
        what: str,
        given: Any,
        model: str | None,
        params: Mapping[str, Any],
        query: Mapping[str, Any] | None = None,
    ) -> Question:
        """A question about one thing, to the resource that keeps it."""
        name, raw = self._located(what, given, model)
        mend = None if operation.endswith((".content", ".events", ".checkpoints")) else self._owned
        return Question(operation, name, {}, params, path_id=raw, query=query or {}, mend=mend, pinned=True)

    def _located(self, what: str, given: Any, model: str | None) -> tuple[str, str]:
        """The name to ask, and the id as it knows it.  Raises as `Owners.owner` does."""
        return self._owners.owner(what, given, model or self._places.sole())

    def _page(self, want: Mapping[str, Any]) -> Any:
        """A page of a list (see `_listing`), blocking, that knows how to get the next."""
        page = self._run(self._listing(**want))
        page._next = lambda after: self._page({**want, "after": after})
        return page

    async def _apage(self, want: Mapping[str, Any]) -> Any:
        """The same, awaiting."""
        page = await self._arun(self._listing(**want))
        page._anext = lambda after: self._apage({**want, "after": after})
        return page

    def _listing(
        self,
        operation: str,
        item: str,
        model: str | None,
        provider: str | None,
        params: Mapping[str, Any],
        **want: Any,
    ) -> Tour[Any]:
        """The tour of a list over all resources that are meant; `want` are further fields of a `Listing`."""

        def locate(given: str) -> tuple[Place, str]:
            name, raw = self._located("after", given, None)
            return self._places.home(self._places.of(name)[0]), raw

        places = self._places.resources(model, provider)
        return listed(Listing(operation, item, places, locate, params=params, mend=self._owned, **want))

    def _owned(self, answer: dict[str, Any], deployment: str) -> dict[str, Any]:
        """An answer with the deployment in its ids."""
        if not self._marks_ids:
            return answer
        home = self._places.home_id(deployment)
        owned: dict[str, Any] = {
            key: with_owner(answer[key], home) for key in OWNED if isinstance(answer.get(key), str)
        }
        if isinstance(answer.get("result_files"), list):
            files = cast("list[Any]", answer["result_files"])
            owned["result_files"] = [with_owner(file, home) if isinstance(file, str) else file for file in files]
        return {**answer, **owned}

    def _beside(self, what: str, given: Any, place: str, model: str | None) -> str:
        """The service's own id of a thing that must be on the resource of `place`."""
        name, raw = self._located(what, given, model)
        here, there = (self._places.home(self._places.of(n)[0]) for n in (place, name))
        if here != there:
            raise BadRequestError(
                f"`{what}` is on another resource than the other file.  Nothing was sent.", param=what
            )
        return raw
