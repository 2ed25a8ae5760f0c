"""Lesson 07: one step of a GRU."""

from course_utils.exercises.bank.recurrent.stepping import step_cases, without_b_hh
from course_utils.exercises.model import Exercise, Misconception


def _gru(order: str = "rzn", keep_old: bool = True, inside: bool = True):
    def step(x, h, w_ih, w_hh, b_ih, b_hh):
        of_x = dict(zip(order, (x @ w_ih.T + b_ih).chunk(3, dim=-1), strict=True))
        of_h = dict(zip(order, (h @ w_hh.T + b_hh).chunk(3, dim=-1), strict=True))
        r, z = ((of_x[gate] + of_h[gate]).sigmoid() for gate in "rz")
        n = of_x["n"] + (r * of_h["n"] if inside else of_h["n"])
        n, z = n.tanh(), z if keep_old else 1 - z
        return (1 - z) * n + z * h

    return step


def _reset_before(x, h, w_ih, w_hh, b_ih, b_hh):
    of_x = (x @ w_ih.T + b_ih).chunk(3, dim=-1)
    of_h = (h @ w_hh.T + b_hh).chunk(3, dim=-1)
    r, z = (of_x[0] + of_h[0]).sigmoid(), (of_x[1] + of_h[1]).sigmoid()
    size = h.shape[-1]
    n = (of_x[2] + (r * h) @ w_hh[2 * size :].T + b_hh[2 * size :]).tanh()
    return (1 - z) * n + z * h


def _bias_outside(x, h, w_ih, w_hh, b_ih, b_hh):
    of_x = (x @ w_ih.T + b_ih + b_hh).chunk(3, dim=-1)
    of_h = (h @ w_hh.T).chunk(3, dim=-1)
    r, z = (of_x[0] + of_h[0]).sigmoid(), (of_x[1] + of_h[1]).sigmoid()
    return (1 - z) * (of_x[2] + r * of_h[2]).tanh() + z * h


def _reset_all(x, h, w_ih, w_hh, b_ih, b_hh):
    r, z, n = (x @ w_ih.T + b_ih + h @ w_hh.T + b_hh).chunk(3, dim=-1)
    r, z = r.sigmoid(), z.sigmoid()
    return (1 - z) * (r * n).tanh() + z * h


GRU_STEP = Exercise(
    "recurrent.gru_step",
    _gru(),
    (
        Misconception(
            "z turned round",
            _gru(keep_old=False),
            "You keep 1 - z of the old state, as some papers do. In PyTorch z goes "
            "with the old state and 1 - z with the news.",
        ),
        Misconception(
            "reset before the matrix",
            _reset_before,
            "You apply r to `h` before the matrix, as the first paper does. PyTorch "
            "applies it after: `r * (h @ w_hn.T + b_hn)`.",
        ),
        Misconception(
            "b_hn outside",
            _bias_outside,
            "Nearly: the last third of `b_hh` stands inside the bracket that r "
            "multiplies, `r * (h @ w_hn.T + b_hn)`.",
        ),
        Misconception(
            "r on the whole sum",
            _reset_all,
            "You multiply the input's share of the news by r as well. r decides only "
            "how much of the old state goes in.",
        ),
        Misconception(
            "order z r n",
            _gru("zrn"),
            "You take the sums as z, r, n. PyTorch stacks them r, z, n.",
        ),
        Misconception(
            "no reset",
            _gru(inside=False),
            "r plays no part: it multiplies the state's share of the news, "
            "`r * (h @ w_hn.T + b_hn)`.",
        ),
        Misconception(
            "one bias",
            without_b_hh(_gru()),
            "The second bias is missing: add `b_hh` beside `h @ w_hh.T`, before you "
            "multiply by r.",
        ),
    ),
    lambda: step_cases(3, 1),
)
