"""Lab D solved at four levels: what a learner hands in, as the text of one cell."""

# What follows two bytes, and where that was seen too seldom, what follows one.
BASELINE_CELL = """
def train(text, seconds):
    text = text.long()
    counts = torch.zeros(256, 256, 256)
    places = text[:-2], text[1:-1], text[2:]
    counts.index_put_(places, torch.ones(()), accumulate=True)
    after_one = counts.sum(dim=0) + 0.1
    shares = after_one / after_one.sum(dim=1, keepdim=True)

    def predict(past):
        before, last = past[:, -2].long(), past[:, -1].long()
        return (counts[before, last] + 3 * shares[last]).log()

    return predict
"""
_TABLES = """
MASK, FACTOR = 2**55 - 1, 6364136223846793005
EVERY = torch.arange(256)


def contexts_of(text, top):
    '''Number the contexts of 0 to `top` bytes before each place.'''
    found = [torch.zeros_like(text)]
    for back in range(1, top + 1):
        code = found[-1].clone()
        code[..., back:] = code[..., back:] * FACTOR + text[..., :-back] + 1
        found.append(code)
    return found


def pairs_of(contexts, byte):
    return (contexts & MASK) * 256 + byte


def look_up(table, keys):
    known, values = table
    place = torch.searchsorted(known, keys).clamp(max=len(known) - 1)
    return values[place] * (known[place] == keys)


def counts_now(tables, past):
    '''Count what followed the latest 0, 1, 2, … bytes: each (rows, 256).'''
    context, found = torch.zeros(len(past), dtype=torch.long), []
    for back, table in enumerate(tables, 1):
        found.append(look_up(table, pairs_of(context[:, None], EVERY)).float())
        if back < len(tables):
            context = context * FACTOR + past[:, -back] + 1
    return found
"""
# Five bytes in a row, each count mixed with that after a shorter context: the more
# kinds of bytes followed, the more is left for what was never seen (Witten and Bell).
PASS_CELL = (
    _TABLES
    + """

def train(text, seconds):
    text = text.long()
    tables = [
        torch.unique(pairs_of(contexts, text), return_counts=True)
        for contexts in contexts_of(text, 4)
    ]

    def predict(past):
        shares = torch.full((len(past), 256), 1 / 256)
        for counts in counts_now(tables, past.long()):
            total = counts.sum(1, keepdim=True)
            kinds = (counts > 0).sum(1, keepdim=True)
            mixed = (counts + kinds * shares) / (total + kinds).clamp(min=1)
            shares = torch.where(total > 0, mixed, shares)
        return shares.log()

    return predict
"""
)
# Below the longest context, what counts is after how many different longer ones a byte
# was seen (Kneser and Ney). And a text repeats itself: what followed the same bytes
# earlier in the passage is counted, too.
_REPEATS = (
    _TABLES
    + """

def count_kinds(text, top):
    '''Count pairs at the longest contexts; below, the longer contexts of each pair.'''
    pairs = [pairs_of(contexts, text) for contexts in contexts_of(text, top)]
    tables = [torch.unique(pairs[top], return_counts=True)]
    for order in reversed(range(top)):
        longer, place = pairs[order + 1].sort()
        first = torch.ones_like(longer, dtype=torch.bool)
        first[1:] = longer[1:] != longer[:-1]
        kinds = torch.unique(pairs[order][place[first]], return_counts=True)
        tables.insert(0, kinds)
    return tables


class Repeats:
    '''Knows how many bytes before each place of the past equal the latest ones.'''

    def __init__(self):
        self.length = torch.zeros(0, 0)

    def counts(self, past, orders):
        known = self.length.shape[1]
        if known >= past.shape[1]:
            known = 0
        for size in range(known + 1, past.shape[1] + 1):
            length = torch.zeros(len(past), size)
            if size > 1:
                same = past[:, : size - 1] == past[:, size - 1 : size]
                length[:, 1:] = (self.length + 1) * same
            self.length = length
        none = torch.zeros(len(past), 256)
        return [
            none.scatter_add(1, past, (self.length >= order).float())
            for order in orders
        ]
"""
)
# How far each count is trusted is learned, on parts of the text that were not counted.
_LEARNING = """

TOP, OWN, SIZE, FOLDS = 8, (1, 2, 3, 4, 5, 6, 8), 1016, 8
LEVELS = TOP + 1 + len(OWN)


def mix(discount, more, totals, kinds, counts):
    '''Mix counts (places, levels, bytes) into shares (places, bytes).'''
    discount = discount.sigmoid()
    more = more.clamp(-8, 8).exp() * (1 + kinds) / 2
    shares = torch.full_like(counts[:, 0], 1 / 256)
    left = discount * kinds + more
    below = totals + more
    for level in range(LEVELS):
        of = slice(level, level + 1)
        mixed = (counts[:, level] - discount[:, of]).clamp(min=0)
        mixed = (mixed + left[:, of] * shares) / below[:, of]
        shares = torch.where(totals[:, of] > 0, mixed, shares)
    return shares


def counted(table, contexts, byte):
    pairs, counts = table
    known, place, kinds = torch.unique_consecutive(
        pairs >> 8, return_inverse=True, return_counts=True
    )
    totals = torch.zeros_like(kinds).index_add_(0, place, counts)
    contexts = contexts & MASK
    return torch.stack([
        look_up((known, totals), contexts),
        look_up((known, kinds), contexts),
        look_up(table, contexts * 256 + byte),
    ]).float()


def counted_before(contexts, byte, order):
    '''The same for what a passage holds before each place.'''
    same = (contexts[:, None] == contexts).float().tril(-1)
    same[:, :order] = 0
    counts = same @ F.one_hot(byte, 256).float()
    own = counts.gather(1, byte[:, None]).squeeze(1)
    return torch.stack([counts.sum(1), (counts > 0).float().sum(1), own])


def examples(text, fold):
    '''Count a part of the text as passages, with tables of all other parts.'''
    start, end = (len(text) * n // FOLDS for n in (fold, fold + 1))
    tables = count_kinds(torch.cat([text[:start], text[end:]]), TOP)
    for passage in text[start:end].split(SIZE)[:-1]:
        contexts = contexts_of(passage, TOP)
        found = [counted(t, c, passage) for t, c in zip(tables, contexts)]
        found += [counted_before(contexts[k], passage, k) for k in OWN]
        yield torch.stack(found, dim=2)[:, 16:]  # (3, places, levels)


def train(text, seconds):
    begun, text = time.process_time(), text.long()
    parts = [p for fold in range(FOLDS) for p in examples(text, fold)]
    data, trust = torch.cat(parts, dim=1), Trust()
    optimizer = torch.optim.AdamW(trust.parameters(), RATE, weight_decay=1e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, STEPS)
    for _ in range(STEPS):
        if time.process_time() - begun > 0.7 * seconds:
            break
        rows = torch.randint(data.shape[1], (2048,))
        totals, kinds, counts = data[:, rows]
        loss = -trust(totals, kinds, counts.unsqueeze(2)).log().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        plan.step()
    tables, repeats = count_kinds(text, TOP), Repeats()

    @torch.no_grad()
    def predict(past):
        past = past.long()
        counts = counts_now(tables, past) + repeats.counts(past, OWN)
        counts = torch.stack(counts, dim=1)
        return trust(counts.sum(2), (counts > 0).float().sum(2), counts).log()

    return predict
"""
# The same trust at all places: two numbers for each length of context.
GOOD_CELL = (
    _REPEATS
    + _LEARNING
    + """

RATE, STEPS = 2e-2, 600


class Trust(nn.Module):
    def __init__(self):
        super().__init__()
        self.own = nn.Parameter(torch.zeros(2, LEVELS))

    def forward(self, totals, kinds, counts):
        return mix(*self.own.unsqueeze(1), totals, kinds, counts)
"""
)
# A small network looks at how much was counted after all contexts, and chooses.
CEILING_CELL = (
    _REPEATS
    + _LEARNING
    + """

RATE, STEPS = 3e-3, 3000


class Trust(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            *(nn.Linear(2 * LEVELS, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU()),
            nn.Linear(64, 2 * LEVELS),
        )

    def forward(self, totals, kinds, counts):
        seen = torch.cat([totals.log1p(), kinds.log1p()], dim=1) / 3
        return mix(*self.net(seen).chunk(2, dim=1), totals, kinds, counts)
"""
)
BASELINE = {"bits.train": BASELINE_CELL}
PASS = {"bits.train": PASS_CELL}
GOOD = {"bits.train": GOOD_CELL}
CEILING = {"bits.train": CEILING_CELL}
