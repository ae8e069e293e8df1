"""How is Redis reached?

    client = ScriptClient(access(settings), settings.timeout)
    client.call(Script.named("reserve"), keys, args)               # await client.acall(...)

- `settings.py`: what a configuration says about Redis; `configured.py` and `handed_in.py`: what follows from it, or
  from a client of the caller's, and what is refused; `access.py`: connections.
- `route.py`: which server is asked, and who else when it says "not I": one conversation for a single server, for
  Sentinel and for Cluster.  It does no I/O.
- `blocking.py`, `awaiting.py`: the two that carry a conversation out, each with connections of its own.
- `reasons.py`: why it failed, in one word.  `client.py`: the door.

Nothing is asked again here that may have been carried out.  redis-py's connections are used, its clients and pools are
not: they retry, wait without a bound of ours, and cost twice as much (docs/decisions.md).  Importing this package or
`settings.py` does not import redis; everything else does.
"""
