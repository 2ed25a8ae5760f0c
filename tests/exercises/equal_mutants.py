"""Mutants of solutions that are right too, each with the reason.

Keyed by the exercise, then by the change as `Mutant.change` shows it, less its line.
"""

A_NUMBER = "The text allows a tensor with one number."
TWO_DIMS = "The text gives two dimensions, so dim 1 is dim -1."

EQUAL: dict[str, dict[str, str]] = {
    "start.fit": {
        "`w.item()`: the method not called": A_NUMBER,
        "`b.item()`: the method not called": A_NUMBER,
        "`w * x.squeeze(1) + b - y` with swapped sides": "The square has no sign.",
    },
    "activations.leaky": {
        "`x > 0` with GtE": "slope · 0 is 0, and any slope is right at the bend.",
    },
    "activations.dead": {
        "`(h == 0).all(dim=0).sum().item()`: the method not called": A_NUMBER,
        "`h == 0` with LtE": "A ReLU gives no negative numbers.",
    },
    "activations.softmax": {
        "`-1` without its sign": TWO_DIMS,
    },
    "activations.log_softmax": {
        "`-1` without its sign": TWO_DIMS,
    },
    "activations.cross_entropy": {
        "`F.log_softmax(logits, dim=1)` without dim=": (
            "torch takes dim 1 where two dimensions and no dim are given."
        ),
    },
    "activations.step": {
        "`(z > 0).to(z.dtype)`: the method not called": (
            "True and False, added to floats, are 1 and 0."
        ),
    },
    "dropout.layer": {
        "`torch.rand_like(x) < 1 - self.p` with LtE": (
            "It differs only where a draw hits the border exactly."
        ),
    },
    "normalization.running": {
        "0 minus 1": "Only shape and dtype of that entry are used.",
        "0 plus 1": "Only shape and dtype of that entry are used.",
    },
    "normalization.rms_backward": {
        "`-1` without its sign": TWO_DIMS,
    },
    "normalization.design": {
        "38 plus 1": "A width of 39 is within the budget, too.",
        "38 minus 1": "A narrower network meets all the demands.",
        "9 plus 1": "A tenth block is within the budget, too.",
        "`x + self.down(self.up(self.norm(x)).relu())` with Sub": (
            "The sign of a new branch is random anyway."
        ),
        "`self.up(self.norm(x)).relu()`: the method not called": (
            "The text demands no ReLU."
        ),
    },
    "convolution.count": {
        "`in_channels // groups` with Div": "The groups always divide the channels.",
    },
    "convolution.detector": {
        "1.0 doubled": "A window with a 1 beside the line may count against it twice.",
    },
    "convolution.depthwise": {
        "1 plus 1": "Kernels are square, so either size is K.",
        "0 minus 1": "That dimension has size 1: its first is its last.",
    },
    "convolution.design": {
        "3 plus 1": "A fourth layer at 7 × 7 is within the budget, too.",
    },
    "pooling.average": {
        "`-1` without its sign": TWO_DIMS,
    },
    "pooling.adaptive": {
        "`-1` without its sign": TWO_DIMS,
        "`zip(starts, ends, strict=True)` without strict=": (
            "Both lists have `size` items."
        ),
        "not True": "Both lists have `size` items.",
    },
    "pooling.design": {
        "3 plus 1": "Another kernel is within the budget, too.",
        "3 minus 1": "Another kernel is within the budget, too.",
        "1 plus 1": "Another padding is within the budget, too.",
        "1 minus 1": "The text demands no padding.",
        "`nn.Conv2d(1, 6, 3, padding=1)` without padding=": (
            "The text demands no padding."
        ),
        "`nn.Conv2d(6, 12, 3, padding=1)` without padding=": (
            "The text demands no padding."
        ),
        "`nn.Conv2d(12, 16, 3, padding=1)` without padding=": (
            "The text demands no padding."
        ),
    },
    "recurrent.lstm_step": {
        "`-1` without its sign": TWO_DIMS,
    },
    "recurrent.gru_step": {
        "`-1` without its sign": TWO_DIMS,
    },
    "recurrent.design": {
        "32 plus 1": "A token more, or a forget gate less that starts open, will do.",
        "32 minus 1": "An input gate more that starts open does no harm.",
        "64 plus 1": "A cell's input that starts larger does no harm.",
        "64 minus 1": "A forget gate less that starts open will do.",
        "4.0 doubled": "The gates then forget even less.",
    },
    "transformer.repair": {
        "`d // self.heads` with Div": "The heads divide d without a remainder.",
        "`-2` without its sign": "Of four dimensions, 2 is the last but one.",
    },
    "transformer.greedy": {
        "`step(tokens)[-1].argmax(dim=-1, keepdim=True)` without dim=": (
            "A row of scores has one dimension."
        ),
        "1 minus 1": "A row of scores has one dimension, so dim 0 is dim -1.",
    },
    "flatten.any_image": {
        "`x.ndim == 3` with LtE": "The text gives three or four dimensions.",
    },
    "classifier.dataset": {
        "`self.labels[i].item()`: the method not called": A_NUMBER,
    },
    "classifier.calibration": {
        "`confidence[inside].mean() - right[inside].mean()` with swapped sides": (
            "Its absolute value is taken."
        ),
        "`gap.item()`: the method not called": A_NUMBER,
        "`inside.sum().item()`: the method not called": A_NUMBER,
    },
    "classifier.design": {
        "`nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)` without bias=": (
            "The text allows biases, and 40 more parameters are within the budget."
        ),
        "not False": "The text allows biases.",
    },
    "residual.backward": {
        "`x @ w1.T > 0` with GtE": "No number that a ReLU gets there is exactly 0.",
    },
    "residual.design": {
        "16 plus 1": "A width of 17 is within the budget, too.",
        "16 minus 1": "A narrower network meets all the demands.",
        "10 plus 1": "An eleventh block is within the budget, too.",
        "4 plus 1": "Another kernel or stride of the stem is within the budget, too.",
        "4 minus 1": "Another kernel or stride of the stem is within the budget, too.",
        "`nn.Conv2d(width, width, 3, padding=1, bias=False)` without bias=": (
            "The text allows biases."
        ),
        "not False": "The text allows biases.",
        "`self.bn1(self.conv1(x)).relu()`: the method not called": (
            "The text demands no ReLU."
        ),
        "`(x + self.bn2(self.conv2(h))).relu()`: the method not called": (
            "The text demands no ReLU."
        ),
        "`x + self.bn2(self.conv2(h))` with Sub": (
            "The sign of a new branch is random anyway."
        ),
    },
    "language.min_p": {
        "`-1` without its sign": TWO_DIMS,
    },
    "language.rotary": {
        "`d // 2` with Div": "The text gives an even d, and `arange` takes a float.",
        "10000 plus 1": "The speeds are the same within rounding.",
        "10000 minus 1": "The speeds are the same within rounding.",
        "`-1` without its sign": TWO_DIMS,
    },
    "language.step": {
        "0 minus 1": "That dim has one place, which is the last too.",
        "`-1` without its sign": "The scores have two dimensions, and so has q.",
    },
    "language.repair": {
        "`d // self.heads` with Div": "The heads divide d without a remainder.",
        "`torch.ones_like(scores[0, 0])`: the function not called": (
            "As a truth value a score is True, if it is not exactly 0."
        ),
        "`scores[0, 0]` without its index": "Its mask is the same for all heads.",
        "0 plus 1": "There are two texts and two heads, of one shape.",
        "0 minus 1": "The last text and head have the same shape.",
    },
    "language.design": {
        "4 plus 1": "The text leaves the number of heads and the width open.",
        "4 minus 1": "The text leaves the width open.",
        "`4 * d` with Add": "The text leaves the width open.",
        "`4 * d` without its right side": "The text leaves the width open.",
        "`4 * d` without its left side": "The text leaves the width open.",
        "2 minus 1": "The text leaves the number of layers open.",
        "128 plus 1": "A table may be longer, within the budget.",
        "0.02 doubled": "The text leaves the start open.",
        "0.0 doubled": "The text leaves dropout open.",
        "not True": "The text leaves the place of the norm open; the mask is given.",
        "`block(x, src_mask=later, is_causal=True)` without is_causal=": (
            "It is a hint: the mask is given."
        ),
        "`torch.ones(length, length, device=x.device).tri...`: the method not called": (
            "With `is_causal=True` torch takes its own mask."
        ),
        "`self.embed(tokens) + self.positions.weight[:len...` with Sub": (
            "The positions are drawn with either sign."
        ),
    },
    "speed.accumulate": {
        "`zip(x.split(size), y.split(size), strict=True)` without strict=": (
            "The text gives as many classes as rows."
        ),
        "not True": "The text gives as many classes as rows.",
        "`loss.detach()`: the method not called": "The number is the same.",
    },
    "speed.repair": {
        "`loss.detach()`: the method not called": "The number is the same.",
    },
}
