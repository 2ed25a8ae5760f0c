"""Mutants of solutions that are right too, each with the reason.

Keyed by the exercise, then by the change as `Mutant.change` shows it, less its line.
"""

EQUAL: dict[str, dict[str, str]] = {
    "activations.leaky": {"`x > 0` with GtE": "Of 0, any slope makes 0."},
    "dropout.layer": {
        "`torch.rand_like(x) < 1 - self.p` with LtE": "No draw is exactly at the limit."
    },
    "pooling.adaptive": {
        "`zip(starts, ends, strict=True)` without strict=": "Both are equally long.",
        "not True": "Both are equally long.",
    },
}
