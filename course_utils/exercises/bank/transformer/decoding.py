"""Lesson 08: greedy decoding, a token at a time."""

import torch

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception
from course_utils.session import current_device


class _Model:
    """A little causal model: (n,) tokens to (n, vocabulary) scores."""

    def __init__(self, vocabulary: int, seed: int) -> None:
        sizes = (vocabulary, 6), (6, vocabulary)
        self.table, self.out = randn(*sizes, seed=seed)

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        if tokens.dim() != 1 or tokens.dtype != torch.int64:
            raise ValueError("step wants whole numbers (int64) of shape (n,).")
        place = torch.arange(1.0, len(tokens) + 1, device=tokens.device)
        summary = (self.table[tokens] * place.sin()[:, None]).cumsum(dim=0)
        return summary @ self.out

    def __repr__(self) -> str:
        return "a function step(tokens)"


def _decode(choose):
    def answer(step, start, length):
        tokens = start
        for _ in range(length):
            tokens = torch.cat([tokens, choose(step, tokens)])
        return tokens[1:]

    return answer


def _best(scores: torch.Tensor) -> torch.Tensor:
    return scores.argmax(dim=-1, keepdim=True)


GREEDY = Exercise(
    "transformer.greedy",
    _decode(lambda step, tokens: _best(step(tokens)[-1])),
    (
        Misconception(
            "same token each time",
            _decode(lambda step, tokens: _best(step(tokens)[0])),
            "You get the same token every time: the answer at the first place never "
            "changes. Put each new token behind the others, and read the scores at "
            "the last place, `step(tokens)[-1]`.",
        ),
        Misconception(
            "last column",
            _decode(lambda step, tokens: _best(step(tokens)[:, -1])),
            "`[:, -1]` picks the scores of the last word of the vocabulary. There is "
            "no batch here: the last place is `step(tokens)[-1]`.",
        ),
        Misconception(
            "all places appended",
            _decode(lambda step, tokens: step(tokens).argmax(dim=-1)),
            "You append an answer for every place, each time. Only the last place "
            "says something new: `step(tokens)[-1]`.",
        ),
        Misconception(
            "last token alone",
            _decode(lambda step, tokens: _best(step(tokens[-1:])[-1])),
            "You give the model nothing but the last token. It has no memory: give it "
            "all tokens so far, each time.",
        ),
        Misconception(
            "start kept",
            lambda step, start, length: torch.cat(
                [start, GREEDY.reference(step, start, length)]
            ),
            "The tokens are right; the start token still stands before them: "
            "`tokens[1:]`.",
        ),
        Misconception(
            "one pass",
            lambda step, start, length: step(start.expand(length)).argmax(dim=-1),
            "You ask once for all places. That works in training, where the right "
            "tokens are known; here each token must be known before the next.",
        ),
        Misconception(
            "drawn",
            _decode(
                lambda step, tokens: step(tokens)[-1].softmax(dim=-1).multinomial(1)
            ),
            "You draw the next token at random. Greedy takes the one with the largest "
            "score, `argmax`.",
        ),
        Misconception(
            "one token short",
            lambda step, start, length: GREEDY.reference(step, start, length)[:-1],
            "One token is missing at the end: `length` counts the new tokens, without "
            "the start.",
        ),
    ),
    lambda: [
        (_Model(size, seed), torch.tensor([1], device=current_device()), length)
        for size, seed, length in [(9, 1, 5), (7, 4, 6), (11, 8, 4)]
    ],
)
