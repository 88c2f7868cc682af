"""Counts of things as people write them."""


def counted(n: int, noun: str) -> str:
    """``1 epoch``, ``2 epochs``, ``1,200 epochs``; for a ``noun`` whose plural ends in s."""
    return f"{n:,} {noun if n == 1 else f'{noun}s'}"
