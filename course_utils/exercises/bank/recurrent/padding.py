"""Lesson 07: the last step that is no padding."""

import torch

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception
from course_utils.session import current_device


def _lengths_cases() -> list[tuple]:
    lengths = [[4, 2, 5], [3, 1, 2], [6]]
    outputs = randn((6, 3, 4), (3, 3, 3), (7, 1, 5))
    return [
        (output, torch.tensor(length, device=current_device()))
        for output, length in zip(outputs, lengths, strict=True)
    ]


def _pick(output, lengths, off=1):
    places = (lengths - off) % len(output)
    return output[places, torch.arange(len(lengths), device=output.device)]


LAST_VALID = Exercise(
    "recurrent.last_valid",
    lambda output, lengths: _pick(output, lengths),
    (
        Misconception(
            "last step",
            lambda output, lengths: output[-1],
            "This is the last step of the box. For a short sequence that is padding: "
            "take step `length - 1` of each.",
        ),
        Misconception(
            "off by one",
            lambda output, lengths: output[
                lengths, torch.arange(len(lengths), device=output.device)
            ],
            "Steps count from 0, so a sequence of length 4 ends at step 3: "
            "`lengths - 1`.",
        ),
        Misconception(
            "every pair",
            lambda output, lengths: output[lengths - 1],
            "`output[lengths - 1]` takes whole steps, each with all sequences. Name "
            "the sequence too: `output[lengths - 1, torch.arange(N)]`.",
        ),
        Misconception(
            "axis order",
            lambda output, lengths: output[
                torch.arange(len(lengths), device=output.device), lengths - 1
            ],
            "You index the batch first and time second. Here time is the first "
            "dimension.",
        ),
        Misconception(
            "step of the longest",
            lambda output, lengths: output[lengths.max() - 1],
            "You take one step for all, that of the longest sequence. Each has a last "
            "step of its own: `lengths - 1`.",
        ),
        Misconception(
            "mean",
            lambda output, lengths: torch.stack(
                [output[:n, i].mean(0) for i, n in enumerate(lengths.tolist())]
            ),
            "This is the mean of the real steps. Asked for is the last one of them.",
        ),
        Misconception(
            "first step",
            lambda output, lengths: output[0],
            "This is the first step, which only a backward net ends with.",
        ),
    ),
    _lengths_cases,
)
