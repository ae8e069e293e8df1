"""A server that notes what it was asked, in parts that tests can look at, and answers what a test told it to."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.azure.fault_server import FaultServer, Peer, answer


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def form(self) -> list[tuple[str, bytes, Message]]:
        """The fields of the body as a multipart form, read by the standard library: name, value, headers."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        parts = BytesParser().parsebytes(head + self.body).get_payload()
        assert isinstance(parts, list)
        return [
            (str(p.get_param("name", header="content-disposition")), p.get_payload(decode=True), p)  # type: ignore
            for p in parts
        ]

    @property
    def fields(self) -> dict[str, bytes]:
        """The last value of each field of the form."""
        return {name: value for name, value, _ in self.form}


class Recorder:
    """Answers each request by `reply`, and keeps it in `asked`."""

    def __init__(self, reply: bytes | Callable[[Asked], bytes] = b"") -> None:
        self.reply = reply or answer()
        self.asked: list[Asked] = []
        self._server = FaultServer(self._script)

    @property
    def base(self) -> str:
        """Its address, as `api_base`."""
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def last(self) -> Asked:
        """The latest request."""
        return self.asked[-1]

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def _script(self, peer: Peer) -> None:
        while whole := peer.request():
            head, _, body = whole.partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            method, target, _ = first.split(" ")
            url = urlsplit(target)
            headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
            asked = Asked(method, url.path, dict(parse_qsl(url.query)), headers, body)
            self.asked.append(asked)
            peer.say(self.reply if isinstance(self.reply, bytes) else self.reply(asked))
