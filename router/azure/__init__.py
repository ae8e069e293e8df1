"""How do we speak to Azure OpenAI (and to OpenAI and Claude beside it)?

Pure parts, each usable alone: `endpoint.py` (URLs), `operations.py` (what can be asked), `wire.py` (requests
and answers), `failures.py` (what an error answer means), `headers.py` (what the headers say), `parameters.py`
(model families), `events.py` and `chunks.py` (streams).  `credentials.py` proves who we are.  `transport.py`
and `engines/` are the only ones that touch a socket.  `anthropic/` translates for Claude.
"""
