"""Seeds: one for each thing that is drawn, all from one secret."""

import hashlib

import torch

# What a learner's own measurement draws from; no secret of grading is this.
OPEN = "open"


def seed_of(secret: str, *names: object) -> int:
    """Return a seed from 0 to 2**63 - 1 that tells nothing of the secret.

    >>> seed_of("open", "hinges", 1) == seed_of("open", "hinges", 1)
    True
    >>> seed_of("open", "hinges", 1) == seed_of("other", "hinges", 1)
    False
    """
    text = "\0".join(map(str, (secret, *names)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator_of(secret: str, *names: object) -> torch.Generator:
    """Return a generator on the CPU with the seed of these names.

    >>> torch.rand(2, generator=generator_of("open", "x")).shape
    torch.Size([2])
    """
    return torch.Generator().manual_seed(seed_of(secret, *names))
