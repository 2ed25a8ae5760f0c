// What a window that slides over a grid of numbers computes: convolution, max and
// average pooling, as torch does. A state is { kernel, kind, stride, padding, dilation };
// `kernel` is rows of weights, which pooling only counts.

/** How many cells a window covers along `taps` weights, the gaps included. */
export const span = (taps, { dilation }) => dilation * (taps - 1) + 1;

/** How many places the window has along `length` numbers. */
export function places(length, taps, state) {
  const room = length + 2 * state.padding - span(taps, state);
  return Math.floor(room / state.stride) + 1;
}

/** What padding puts around the input. */
const border = (kind) => (kind === "max" ? -Infinity : 0);

/** What the window covers for one output: places in the padded input, and numbers. */
export function windowAt(image, state, row, column) {
  const { kernel, kind, stride, padding, dilation } = state;
  return kernel.flatMap((weights, i) =>
    weights.map((weight, j) => {
      const [y, x] = [row * stride + i * dilation, column * stride + j * dilation];
      return { y, x, weight, value: image[y - padding]?.[x - padding] ?? border(kind) };
    }),
  );
}

/** The one number that a window gives. */
export function reduce(taps, kind) {
  if (kind === "max") return Math.max(...taps.map((tap) => tap.value));
  const weight = (tap) => (kind === "average" ? 1 / taps.length : tap.weight);
  return taps.reduce((sum, tap) => sum + tap.value * weight(tap), 0);
}

/** The whole output, as rows of numbers. */
export function slide(image, state) {
  const rows = places(image.length, state.kernel.length, state);
  const columns = places(image[0].length, state.kernel[0].length, state);
  const row = (_, i) =>
    Array.from({ length: columns }, (_, j) => reduce(windowAt(image, state, i, j), state.kind));
  return Array.from({ length: rows }, row);
}

/** Why torch refuses these settings, and what to do; "" if it takes them. */
export function refusal(image, state) {
  const { kernel, kind, padding, dilation } = state;
  if (kind === "average" && dilation > 1)
    return "Average pooling has no dilation in torch: set it to 1, or choose max.";
  for (const side of [(grid) => grid.length, (grid) => grid[0].length]) {
    const [covered, room] = [span(side(kernel), state), side(image) + 2 * padding];
    if (covered > room)
      return `The window spans ${covered} cells, the padded input ${room}: pad more or dilate less.`;
    if (kind !== "convolution" && 2 * padding > side(kernel))
      return `Pooling pads by at most half its window, here by ${Math.floor(side(kernel) / 2)}.`;
  }
  return "";
}

/** The number in a typed text such as "2", "−0.5" or "1/9"; null if there is none. */
export function parse(text) {
  const plain = text.trim().replace("−", "-").replace(",", ".");
  const number = String.raw`(\d+\.?\d*|\.\d+)`;
  const found = plain.match(new RegExp(`^([-+]?)${number}(?:\\s*/\\s*${number})?$`));
  if (!found) return null;
  const value = (Number(found[2]) / Number(found[3] ?? 1)) * (found[1] === "-" ? -1 : 1);
  return Number.isFinite(value) ? value : null;
}

const sign = (text) => text.replace("-", "−").replace("Infinity", "∞");
const close = (a, b) => a === b || Math.abs(a - b) < 1e-6;

/** A number with at most two digits behind the point. */
export const write = (number) => sign(String(Math.round(number * 100) / 100 || 0));

/** A weight as one would write it: 0.25, but 1/9. */
export function writeWeight(weight) {
  if (close(weight, Math.round(weight * 100) / 100)) return write(weight);
  const below = [3, 6, 7, 9, 8, 12, 16, 25].find((d) => close(weight * d, Math.round(weight * d)));
  return sign(below ? `${Math.round(weight * below)}/${below}` : weight.toPrecision(3));
}

/** The calculation in pieces: what stands before, numbers and signs, the result. */
export function spell(taps, kind) {
  const result = reduce(taps, kind);
  const [open, between, end] = {
    convolution: ["", " + ", ""],
    max: ["max(", ", ", ")"],
    average: ["(", " + ", `) / ${taps.length}`],
  }[kind];
  const bracket = (text) => (text.startsWith("−") ? `(${text})` : text);
  const terms = taps.map((tap, index) => ({
    value: write(tap.value),
    weight: kind === "convolution" ? `·${bracket(writeWeight(tap.weight))}` : "",
    sign: index < taps.length - 1 ? between : end,
  }));
  const exact = close(result, Math.round(result * 100) / 100);
  return { open, terms, result: ` ${exact ? "=" : "≈"} ${write(result)}` };
}
