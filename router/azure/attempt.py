"""What is sent for one attempt, and what does the outcome mean?

The part of the transport that is the same for blocking and awaiting calls: no sockets here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

from router.errors import BadRequestError
from router.values import Failure, Kind, Lease, Reply

from .anthropic.reader import MessageReader
from .anthropic.reply import to_completion
from .anthropic.stream import Translator, as_events
from .chunks import ChunkReader, choices_of
from .credentials import Credential, CredentialError
from .endpoint import Endpoint, url_of
from .engines import MAX_FILE_BYTES, MAX_RESPONSE_BYTES, Answer, Breakdown, Request, Streamed
from .failures import is_about_a_thing
from .fitting import fitted
from .form import form_of
from .given_token import if_it_ran_out
from .headers import rate_limits, request_id
from .intake import Intake, RawIntake
from .open_stream import OpenStream, Pace
from .operations import OPERATIONS, serves
from .text_only import ChatChunks, as_chat, as_text_call
from .typed_events import EventReader
from .wire import encode, headers_for, reply_from

LARGEST_EVENT_BYTES = MAX_RESPONSE_BYTES
"""Of streams that bring whole images and responses in one event."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the transport needs to reach a deployment: `Deployment.endpoint`."""

    endpoint: Endpoint
    credential: Credential = field(repr=False)

    @property
    def keeper(self) -> Hashable:
        """What two deployments have in common that see the same files and responses.

        On Azure the address tells (a gateway may have several resources behind one host, each with its own path);
        OpenAI is one address for all the world, so there the key does.
        """
        if self.endpoint.kind == "openai":
            return self.endpoint.base, self.endpoint.organization, self.credential
        return self.endpoint.base


class Attempt:
    """One lease on its way out and back.

    Attributes:
        secret: what it was sent with last.
        target: where it goes.

    Raises BadRequestError where a text completion is asked for a chat that it cannot hold.
    """

    __slots__ = ("_call", "_end", "_gap", "_lease", "_started", "secret", "target")

    def __init__(self, lease: Lease, timeout: float) -> None:
        """The clock starts now; `timeout` in seconds."""
        call, deployment = lease.call, lease.deployment
        self.target: Target = deployment.endpoint
        self._lease = lease
        as_text = self.target.endpoint.text_only and call.operation == "chat.completions"
        self._call = as_text_call(call) if as_text else call
        self._started = time.perf_counter()
        self._end = self._started + timeout
        self._gap = inf
        if call.stream:
            gap = call.stream_timeout if call.stream_timeout is not None else deployment.stream_timeout
            self._gap = inf if gap is None else gap
        self.secret = ""

    def request(self, secret: str) -> Request:
        """The request, proved by `secret`.

        Raises:
            BadRequestError: the caller's input cannot be sent.
            Breakdown: the time is up already, so it is not sent.
        """
        call, deployment, target = self._call, self._lease.deployment, self.target
        endpoint = target.endpoint
        self.secret = secret
        row = OPERATIONS[call.operation]
        if not serves(endpoint.kind, call.operation):
            raise BadRequestError(
                f"deployment {deployment.id!r} does not serve {call.operation!r}: Claude serves messages and chat, and "
                "messages are served by Claude alone.  Ask for a group of other deployments.  Nothing was sent."
            )
        body: bytes | Streamed = b""
        content_type: str | None = None
        if row.body == "json":
            body, content_type = encode(endpoint, deployment, call), "application/json"
        elif row.body == "form":
            body = form = form_of(endpoint, deployment, call)
            content_type = form.content_type
        timeout = min(self._end - time.perf_counter(), self._gap)
        if timeout <= 0.0:  # which some libraries take for no limit at all
            raise Breakdown(Kind.TIMEOUT, "the time was over before the request could be sent", sent=False)
        return Request(
            row.method,
            url_of(endpoint, deployment.model, call),
            headers_for(endpoint, target.credential.header(endpoint.kind, secret), call, content_type),
            body,
            timeout=timeout,
            stream=call.stream,
            max_bytes=MAX_FILE_BYTES if row.is_file else MAX_RESPONSE_BYTES,
            raw=row.is_file,
        )

    def left(self) -> float:
        """Seconds until its time is up."""
        return max(0.0, self._end - time.perf_counter())

    def was_refused(self, answer: Answer) -> bool:
        """A 401 that a new token may cure."""
        return answer.status == 401 and self.target.credential.renews

    def judged(self, answer: Answer) -> Reply | Failure:
        """A whole answer as a reply or a failure; where a stream was asked for, as a stream of one chunk."""
        call, claude = self._lease.call, self.target.endpoint.kind == "anthropic"
        reply = reply_from(
            "messages" if claude and call.charged else self._call.operation,
            answer.status,
            answer.headers,
            answer.body,
            time.perf_counter() - self._started,
            (self.secret,),
        )
        if not isinstance(reply, Reply):
            return self._refusal(reply)
        body = reply.body
        if call.stream:
            intake = self._intake(answer)
            if claude:
                intake.feed_events(as_events(body))
            elif isinstance(body, dict):
                intake.feed_whole(self._call.operation, body)
            else:
                intake.feed(body if isinstance(body, bytes) else body.encode())
                intake.feed(b"")
            return intake.failure or replace(reply, body=OpenStream(intake, None))
        if claude and call.operation == "chat.completions":
            reply.body = to_completion(body, int(time.time()))
        elif self._call is not call:
            reply.body = as_chat(body)
        return reply

    def _refusal(self, failure: Failure) -> Failure:
        """A failure as it is for this call and this credential."""
        if failure.kind is Kind.AUTHENTICATION:
            failure.message += if_it_ran_out(self.secret, time.time())
            if self.target.credential.renews:
                return replace(failure, kind=Kind.SIGN_IN_REFUSED)
        elif failure.kind is Kind.NOT_FOUND and self._call.charged and is_about_a_thing(failure):
            return replace(failure, kind=Kind.MISSING)
        return failure

    def stream(self, answer: Answer) -> OpenStream:
        """The stream of an answer whose chunks are not read yet."""
        return OpenStream(self._intake(answer), answer.chunks)

    def _intake(self, answer: Answer) -> Intake:
        operation, secrets = self._call.operation, (self.secret,)
        if self.target.endpoint.kind == "anthropic":
            return Intake(MessageReader(secrets), self._translator())
        if operation in ("chat.completions", "completions"):
            body, defaults, _ = fitted(self.target.endpoint, self._lease.deployment, self._call)
            chunks = ChunkReader(secrets, choices_of({**defaults, **body}))
            return Intake(chunks, None if self._call is self._lease.call else ChatChunks())
        reader, form = EventReader(secrets), answer.headers.get("content-type", "")
        if OPERATIONS[operation].is_file:
            return RawIntake(reader, may_be_empty=True)
        if OPERATIONS[operation].answer != "json" and "event-stream" not in form and "json" not in form:
            return RawIntake(reader)
        return Intake(reader, largest=LARGEST_EVENT_BYTES)

    def _translator(self) -> Callable[[dict[str, Any]], list[dict[str, Any]]] | None:
        """What makes chat's chunks of Claude's events; None where these were asked for."""
        if self._call.operation != "chat.completions":
            return None
        options = self._call.body.get("stream_options")
        wants_usage = isinstance(options, dict) and bool(options.get("include_usage"))
        return Translator(int(time.time()), wants_usage=wants_usage).chunks

    def pace(self) -> Pace:
        """How long the reads of the stream's head may take; the wait for the headers counts."""
        return Pace(self._started, self._end, self._gap)

    def begun(self, stream: OpenStream, answer: Answer, failure: Failure | None) -> Reply | Failure:
        """A stream's head as a reply, or the failure that came instead."""
        headers, seconds = answer.headers, time.perf_counter() - self._started
        if failure is None:
            return Reply(
                answer.status, stream, limits=rate_limits(headers), seconds=seconds,
                request_id=request_id(headers), headers=headers,
            )  # fmt: skip
        return replace(
            failure,
            kind=self._kind(failure.kind),
            limits=rate_limits(headers),
            seconds=seconds,
            request_id=request_id(headers),
        )

    def failed(self, error: Breakdown | CredentialError) -> Failure:
        """A breakdown below HTTP, or the lack of a token."""
        seconds = time.perf_counter() - self._started
        if isinstance(error, CredentialError):
            return Failure(Kind.CREDENTIALS, str(error), sent=False, seconds=seconds)
        return Failure(self._kind(error.kind), error.message, sent=error.sent, seconds=seconds)

    def _kind(self, kind: Kind) -> Kind:
        """Out of time is out of `stream_timeout`, unless the attempt's own time is up."""
        if kind is Kind.TIMEOUT and time.perf_counter() < self._end:
            return Kind.FIRST_EVENT_TIMEOUT
        return kind
