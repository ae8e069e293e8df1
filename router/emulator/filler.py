"""What do answers say?  Plain filler words, one token each."""

from __future__ import annotations

from random import Random

_WORDS = (
    "the answer is that one region may rest while another serves and nobody notices because room was kept and the "
    "window slides on with every second so calls arrive where tokens remain and replies return in good time as a "
    "calm river finds its way around stones between green hills under a wide sky"
).split()
_RING = tuple(Random(0).choices(_WORDS, k=1021))


def words(rng: Random, tokens: int) -> list[str]:
    """So many words, each with its leading space but for the first: joined, they are the answer."""
    if tokens <= 0:
        return []
    start = rng.randrange(len(_RING))
    repeats = (start + tokens) // len(_RING) + 1
    chosen = (_RING * repeats)[start : start + tokens]
    return [chosen[0].capitalize(), *(" " + word for word in chosen[1:])]


def pieces_of(text: str) -> list[str]:
    """A given text cut into tokens of four characters."""
    return [text[i : i + 4] for i in range(0, len(text), 4)]
