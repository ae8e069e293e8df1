"""How do many replicas keep one quota?  The arithmetic; `stores/redis.py` carries the questions out.

A replica knows its own calls exactly and the fleet's use as it was told last.  It chooses deployments by that view, in
order of preference, and asks the shared store, which knows the truth, to charge the first that has room
(`inquiry.py`).  What the store grants, and what is given back later, is written in a journal (`journal.py`), so that
nothing is charged twice and a store that has lost its memory can be told again.  While the store does not answer, each
replica goes on with its share (`link.py`, `account.py`).
"""
