"""PNG files of few bytes."""

import struct
import zlib
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

FREQUENT, FAR = 192, 64  # together what a PNG's palette holds


def palette_png(pixels: NDArray[np.uint8]) -> bytes:
    """Return an image as PNG with a palette: a third of the bytes of any other.

    Args:
        pixels: shape (height, width, 4): red, green, blue, opacity.

    >>> palette_png(np.zeros((2, 3, 4), dtype=np.uint8))[1:4]
    b'PNG'
    """
    return _file(*with_palette(pixels))


def with_palette(
    pixels: NDArray[np.uint8],
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return an image as places in a palette, and the palette.

    The most frequent colours are kept as they are, so the colours of data are. Where
    there are too many, a rarer one, most often of a soft edge, becomes the nearest of
    them. (Pillow's way to reduce colours with an opacity shifts them all.)

    Args:
        pixels: shape (height, width, 4): red, green, blue, opacity.

    >>> places, palette = with_palette(np.full((1, 2, 4), 7, dtype=np.uint8))
    >>> places.tolist(), palette.tolist()
    ([[0, 0]], [[7, 7, 7, 7]])
    """
    height, width, _ = pixels.shape
    flat = np.ascontiguousarray(pixels).view(np.uint32).ravel()
    # Runs of equal pixels: a tenth of the work.
    starts = np.flatnonzero(np.append(True, flat[1:] != flat[:-1]))
    lengths = np.diff(starts, append=flat.size)
    colours, which = np.unique(flat[starts], return_inverse=True)
    table = torch.from_numpy(colours.view(np.uint8).reshape(-1, 4)).float()
    palette = _palette(table, np.bincount(which, weights=lengths))
    nearest = torch.cdist(table, palette).argmin(dim=1).numpy().astype(np.uint8)
    rows = np.repeat(nearest[which], lengths).reshape(height, width)
    return rows, palette.byte().numpy()


def _palette(colours: torch.Tensor, counts: NDArray[Any]) -> torch.Tensor:
    """Return the most frequent colours, then one by one the farthest from all these."""
    order = torch.from_numpy(np.argsort(-counts))
    if len(order) <= FREQUENT + FAR:
        return colours
    chosen = list(order[:FREQUENT])
    distance = torch.cdist(colours, colours[order[:FREQUENT]]).amin(dim=1)
    for _ in range(FAR):
        chosen.append(distance.argmax())
        to_newest = (colours - colours[chosen[-1]]).norm(dim=1)
        distance = torch.minimum(distance, to_newest)
    return colours[torch.stack(chosen)]


def _file(rows: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """Return the file; see https://www.w3.org/TR/png-3/#4Concepts.Format."""
    height, width = rows.shape
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)  # 8 bits, a palette
    filtered = np.pad(rows, [(0, 0), (1, 0)])  # a 0 before each row: unfiltered
    # Runs alone, a quarter of the time: in a drawing there is little else to find.
    packer = zlib.compressobj(strategy=zlib.Z_RLE)
    packed = packer.compress(filtered.tobytes()) + packer.flush()
    chunks = [
        (b"IHDR", head),
        (b"PLTE", palette[:, :3].tobytes()),
        (b"tRNS", palette[:, 3].tobytes()),
        (b"IDAT", packed),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
