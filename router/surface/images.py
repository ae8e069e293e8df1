"""Images, new and edited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from router.question import Question, streams
from router.uploads import upload, uploads

from .door import Door

if TYPE_CHECKING:
    from router.replies import ImagesResponse
    from router.streams import AsyncStream, Stream


class Images(Door):
    """`image_generation`, `image_edit` and their twins."""

    def image_generation(
        self, prompt: str, model: str, *, stream: bool | None = None, **params: Any
    ) -> ImagesResponse | Stream:
        """Images of a description.

        Args:
            prompt: what to show.
            model: as in `completion`.
            stream: return an iterator of events (`image_generation.partial_image`, `image_generation.completed`); for
                the gpt-image models, with `partial_images`.
            params: as in `completion` (`n`, `size`, `quality`, `style`, `response_format`, `output_format`, …).

        Returns:
            `ImagesResponse`: each of `.data` has `b64_json` or `url`, as the model does it.

        Raises:
            APIError, RouterClosed: as in `completion`.
        """
        question = Question("images.generations", model, {"prompt": prompt}, params, streams(stream))
        return cast("ImagesResponse | Stream", self._ask(question))

    async def aimage_generation(
        self, prompt: str, model: str, *, stream: bool | None = None, **params: Any
    ) -> ImagesResponse | AsyncStream:
        """Images of a description, awaiting.  Parameters, replies and errors are those of `image_generation`."""
        question = Question("images.generations", model, {"prompt": prompt}, params, streams(stream))
        return cast("ImagesResponse | AsyncStream", await self._aask(question))

    def image_edit(
        self, image: Any, prompt: str, model: str, *, mask: Any = None, stream: bool | None = None, **params: Any
    ) -> ImagesResponse | Stream:
        """Images made of images.

        Args:
            image: one file or a list of files: bytes, a path object, a binary file, or a tuple (name, content).
            prompt: what to change.
            model: as in `completion`.
            mask: a file whose transparent places say where to change the image.
            stream: return an iterator of events (`image_edit.partial_image`, `image_edit.completed`).
            params: as in `completion` (`n`, `size`, `quality`, `background`, `input_fidelity`, …).

        Raises:
            BadRequestError: a file cannot be read, and nothing was sent.
            APIError, RouterClosed: as in `completion`.
        """
        return cast("ImagesResponse | Stream", self._ask(_edit(image, prompt, model, mask, stream, params)))

    async def aimage_edit(
        self, image: Any, prompt: str, model: str, *, mask: Any = None, stream: bool | None = None, **params: Any
    ) -> ImagesResponse | AsyncStream:
        """Images made of images, awaiting.  Parameters, replies and errors are those of `image_edit`."""
        return cast("ImagesResponse | AsyncStream", await self._aask(_edit(image, prompt, model, mask, stream, params)))


def _edit(image: Any, prompt: str, model: str, mask: Any, stream: bool | None, params: dict[str, Any]) -> Question:
    files = uploads("image", image) + (() if mask is None else (upload("mask", mask),))
    return Question("images.edits", model, {"prompt": prompt}, params, streams(stream), uploads=files)
