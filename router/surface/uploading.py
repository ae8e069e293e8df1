"""One upload: to the best resource, and to the next where the first provably kept nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from router.errors import APIError, BadRequestError
from router.question import Mend, Question
from router.spool import first_of, spooled
from router.tours import Tour, Work
from router.values import Upload

if TYPE_CHECKING:
    from router.placing import Place, Places

UNMADE = "dns connect connect_timeout tls credentials throttled authentication permission not_found".split()
"""Failures after which nothing can have been kept, so that the file may go to another resource."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be uploaded."""

    file: Upload
    fields: Mapping[str, Any]
    """Of the form: `purpose` and more."""
    model: str | None
    """The group whose resources may take it."""
    provider: str | None
    params: Mapping[str, Any]
    rewrites: bool
    """The lines of a batch name a group.  False where there is but one deployment and nobody knows groups: then they
    name the deployment themselves."""


def uploaded(parcel: Parcel, places: Places, mend: Mend) -> Tour[Any]:
    """Upload, and return the service's reply.

    Raises:
        BadRequestError: a line would make the batch fail; nothing was sent.
        APIError: the last failure.
    """
    chosen = yield from _chosen(parcel, places)
    meant = places.names_of(chosen) if parcel.rewrites else frozenset[str]()
    for left, place in zip(range(len(chosen) - 1, -1, -1), chosen, strict=True):
        params = {**parcel.params, "num_retries": 0} if left else parcel.params
        try:
            reply = yield from _sent(parcel, place, params, meant, mend)
        except APIError as error:
            if not left or not error.attempts or error.attempts[-1].reason not in UNMADE:
                raise
        else:
            places.sent(place, parcel.file.size or 0)
            return reply
    raise AssertionError("there is always a last place")


def _chosen(parcel: Parcel, places: Places) -> Tour[list[Place]]:
    """The places that may take it, best first."""
    if parcel.fields["purpose"] != "batch" or parcel.model is not None:
        return places.uploads(parcel.model, parcel.provider)
    first = yield Work(partial(first_of, parcel.file))
    if first.model is None and places.groups() > 1:
        raise BadRequestError(
            "the first line of the batch file names no model in its `body`, and no `model` was given.  Nothing was"
            " uploaded.",
            param="model",
        )
    return places.batch_uploads(first.model, parcel.provider)


def _sent(parcel: Parcel, place: Place, params: Mapping[str, Any], meant: frozenset[str], mend: Mend) -> Tour[Any]:
    ready, temporary = parcel.file, None
    if parcel.fields["purpose"] == "batch":
        name = place.wire_name if parcel.rewrites else None
        ready, temporary = yield Work(partial(spooled, parcel.file, name, meant.__contains__))
    try:
        reply = yield Question(
            "files.create", place.name, parcel.fields, params, uploads=(ready,), mend=mend, pinned=True
        )
    finally:
        if temporary is not None:
            temporary.close()
    return reply
