"""Fine-tuning jobs: started, followed, listed, cancelled.

A job runs on the resource that keeps its training file.  What it is given as `model` is a base model rather than a
deployment; a group may be named instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from router.question import Question

from .kept import Kept

if TYPE_CHECKING:
    from router.replies import FineTuningJob, MergedPage, Page


class FineTuning(Kept):
    """`create_fine_tuning_job`, `retrieve_…`, `list_…s`, `cancel_…`, `list_fine_tuning_events`, `…_checkpoints`."""

    def create_fine_tuning_job(
        self,
        model: str,
        training_file: str,
        *,
        validation_file: str | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        suffix: str | None = None,
        seed: int | None = None,
        method: Mapping[str, Any] | None = None,
        metadata: Mapping[str, str] | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> FineTuningJob:
        """Start a job on the resource that keeps its training file.

        It is not sent again once it may have been received, since twice would be two jobs.

        Args:
            model: a base model (`gpt-4o-mini-2024-07-18`), or a group whose deployment states one as `base_model`.
            training_file: from `create_file` with the purpose `fine-tune`.
            validation_file: the same, on the same resource.
            hyperparameters: `n_epochs`, `batch_size`, `learning_rate_multiplier`.
            suffix, seed, method, metadata: as the service takes them.
            custom_llm_provider: accepted for LiteLLM's callers; the id tells.
            params: for the router (`timeout`, `num_retries`, `extra_headers`), the rest for the service.

        Raises:
            BadRequestError: an id does not tell where it belongs, or the files are on two resources.
            APIError, RouterClosed: as in `completion`.
        """
        body = _body(hyperparameters, suffix, seed, method, metadata)
        return cast("FineTuningJob", self._ask(self._job(model, training_file, validation_file, body, params)))

    async def acreate_fine_tuning_job(
        self,
        model: str,
        training_file: str,
        *,
        validation_file: str | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        suffix: str | None = None,
        seed: int | None = None,
        method: Mapping[str, Any] | None = None,
        metadata: Mapping[str, str] | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> FineTuningJob:
        """Start a job, awaiting.  Parameters, replies and errors are those of `create_fine_tuning_job`."""
        body = _body(hyperparameters, suffix, seed, method, metadata)
        return cast("FineTuningJob", await self._aask(self._job(model, training_file, validation_file, body, params)))

    def retrieve_fine_tuning_job(
        self,
        fine_tuning_job_id: str,
        *,
        model: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> FineTuningJob:
        """How a job stands.

        Args:
            fine_tuning_job_id: as it was handed out; the service's own id too, where there is one resource or `model`
                is given.
            model: a group on whose resource it is, for ids that no router has handed out.
            custom_llm_provider: accepted for LiteLLM's callers; the id tells.
            params: for the router (`timeout`, `num_retries`, `extra_headers`, `extra_query`).

        Raises:
            BadRequestError: the id does not tell where it belongs.
            NotFoundError: there is no such job.
            APIError, RouterClosed: as in `completion`.
        """
        return cast("FineTuningJob", self._ask(self._about_job("retrieve", fine_tuning_job_id, model, params)))

    async def aretrieve_fine_tuning_job(
        self,
        fine_tuning_job_id: str,
        *,
        model: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> FineTuningJob:
        """How a job stands, awaiting.  Parameters and errors are those of `retrieve_fine_tuning_job`."""
        return cast("FineTuningJob", await self._aask(self._about_job("retrieve", fine_tuning_job_id, model, params)))

    def cancel_fine_tuning_job(
        self,
        fine_tuning_job_id: str,
        *,
        model: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> FineTuningJob:
        """Stop a job.  Parameters and errors are those of `retrieve_fine_tuning_job`."""
        return cast("FineTuningJob", self._ask(self._about_job("cancel", fine_tuning_job_id, model, params)))

    async def acancel_fine_tuning_job(
        self,
        fine_tuning_job_id: str,
        *,
        model: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> FineTuningJob:
        """Stop a job, awaiting.  Parameters and errors are those of `retrieve_fine_tuning_job`."""
        return cast("FineTuningJob", await self._aask(self._about_job("cancel", fine_tuning_job_id, model, params)))

    def list_fine_tuning_jobs(
        self,
        *,
        model: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> MergedPage:
        """The jobs of all resources in one list, newest first.  Parameters and errors are those of `list_batches`."""
        return cast("MergedPage", self._page(_wanted(model, limit, after, custom_llm_provider, params)))

    async def alist_fine_tuning_jobs(
        self,
        *,
        model: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> MergedPage:
        """The jobs of all resources, awaiting.  Parameters and errors are those of `list_batches`."""
        return cast("MergedPage", await self._apage(_wanted(model, limit, after, custom_llm_provider, params)))

    def list_fine_tuning_events(
        self,
        fine_tuning_job_id: str,
        *,
        limit: int | None = None,
        after: str | None = None,
        model: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> Page:
        """What happened to a job, newest first.

        Args:
            fine_tuning_job_id, model, custom_llm_provider, params: as in `retrieve_fine_tuning_job`.
            limit: items in one page; the service's default is 20.
            after: the id of the event before the page.

        Returns:
            `Page` with `.data` and `.has_more`.

        Raises:
            APIError, RouterClosed: as in `retrieve_fine_tuning_job`.
        """
        return cast("Page", self._ask(self._about_job("events", fine_tuning_job_id, model, params, limit, after)))

    async def alist_fine_tuning_events(
        self,
        fine_tuning_job_id: str,
        *,
        limit: int | None = None,
        after: str | None = None,
        model: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> Page:
        """What happened to a job, awaiting.  Parameters and errors are those of `list_fine_tuning_events`."""
        return cast(
            "Page", await self._aask(self._about_job("events", fine_tuning_job_id, model, params, limit, after))
        )

    def list_fine_tuning_checkpoints(
        self,
        fine_tuning_job_id: str,
        *,
        limit: int | None = None,
        after: str | None = None,
        model: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> Page:
        """The checkpoints of a job.  Parameters and errors are those of `list_fine_tuning_events`."""
        return cast("Page", self._ask(self._about_job("checkpoints", fine_tuning_job_id, model, params, limit, after)))

    async def alist_fine_tuning_checkpoints(
        self,
        fine_tuning_job_id: str,
        *,
        limit: int | None = None,
        after: str | None = None,
        model: str | None = None,
        custom_llm_provider: str | None = None,
        **params: Any,
    ) -> Page:
        """The checkpoints of a job, awaiting.  Parameters and errors are those of `list_fine_tuning_events`."""
        asked = self._about_job("checkpoints", fine_tuning_job_id, model, params, limit, after)
        return cast("Page", await self._aask(asked))

    def _about_job(
        self,
        what: str,
        job: str,
        model: str | None,
        params: Mapping[str, Any],
        limit: int | None = None,
        after: str | None = None,
    ) -> Question:
        query = {"limit": limit, "after": after}
        return self._kept(f"fine_tuning.jobs.{what}", "fine_tuning_job_id", job, model, params, query)

    def _job(
        self, model: str, training: str, validation: str | None, body: dict[str, Any], params: Mapping[str, Any]
    ) -> Question:
        name, body["training_file"] = self._located(
            "training_file", training, model if self._places.is_known(model) else None
        )
        if validation is not None:
            body["validation_file"] = self._beside("validation_file", validation, name, name)
        body["model"] = self._base_model(model)
        return Question("fine_tuning.jobs.create", name, body, params, mend=self._owned, pinned=True)

    def _base_model(self, model: str) -> str:
        """What the service calls the model to begin from."""
        if not self._places.is_known(model):
            return model
        deployment = self._places.of(model)[0]
        return deployment.deployment.base_model or deployment.wire_name


def _body(
    hyperparameters: Mapping[str, Any] | None,
    suffix: str | None,
    seed: int | None,
    method: Mapping[str, Any] | None,
    metadata: Mapping[str, str] | None,
) -> dict[str, Any]:
    return {
        "hyperparameters": hyperparameters,
        "suffix": suffix,
        "seed": seed,
        "method": method,
        "metadata": metadata,
    }


def _wanted(
    model: str | None, limit: int | None, after: str | None, provider: str | None, params: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "operation": "fine_tuning.jobs.list",
        "item": "fine_tuning.jobs.retrieve",
        "model": model,
        "provider": provider,
        "params": params,
        "limit": limit,
        "after": after,
    }
