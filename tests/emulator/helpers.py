"""Questions for an emulator, and the plain reading of its answers."""

from __future__ import annotations

import json

from router.emulator import EmulatedDeployment, Emulator, EmulatorConfig

KEY = "the-key"
DATED = "/openai/deployments/{}/{}?api-version=2025-04-01-preview"


def emulator(*deployments, **options):
    """One of these deployments, else one named `chat` with these options."""
    settings = {k: options.pop(k) for k in ("strict", "keys", "tokens", "seed", "latency") if k in options}
    chosen = deployments or (EmulatedDeployment("chat", **options),)
    return Emulator(EmulatorConfig(chosen, **{"keys": [KEY], "strict": True, **settings}))


def ask(azure, body=None, *, name="chat", operation="chat/completions", now=0.0, headers=None, target=None, **more):
    """One POST; `more` goes into a chat body."""
    if body is None:
        body = {"messages": [{"role": "user", "content": "hello"}], **more}
    sent = {"api-key": KEY} if headers is None else headers
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return azure.handle("POST", target or DATED.format(name, operation), sent, data, now)


def said(plan):
    """The JSON of an answer."""
    return json.loads(plan.payload)


def events(plan):
    """The events of a stream without the last, which must be the end mark."""
    lines = [line.removeprefix("data: ") for line in plan.payload.decode().strip().split("\n\n")]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]
