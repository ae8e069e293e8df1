"""What does the router cost?  One `bench_*.py` per question, one command for all: `python -m benchmarks --help`.

    lab.py         interleaved rounds of contenders, each in a process of its own (`worker.py`), beside a native server
    contenders/    one small file each: the router, the bare clients, the peers
    page.py        docs/benchmarks.md, tables and plots, from the rows that a run left behind

No figure is written by hand, and no test looks at a time.
"""
