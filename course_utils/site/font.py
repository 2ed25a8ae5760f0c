"""The font of formulas: STIX Two Math, cut down to the signs that mathematics uses."""

import logging
from importlib.resources import as_file, files
from io import BytesIO

# Letters, Greek, accents and primes, arrows, operators, braces, styled alphabets.
_RANGES = [
    (0x20, 0x7F),
    (0xA0, 0x180),
    (0x370, 0x400),
    (0x2010, 0x20A0),
    (0x2100, 0x2150),
    (0x2190, 0x2300),
    (0x2308, 0x230C),
    (0x23DC, 0x23E0),
    (0x27E8, 0x27EA),
    (0x1D400, 0x1D800),
]


def math_font() -> bytes:
    """Return the font as WOFF, with the table by which browsers lay formulas out.

    It comes with ziamath, under the SIL Open Font License. Without such a font a
    browser sets indices on the line and stretches no bracket.
    """
    from fontTools import subset
    from fontTools.ttLib import TTFont

    logging.getLogger("fontTools").setLevel(logging.ERROR)  # tables it drops
    options = subset.Options(
        layout_features=["ssty", "dtls", "ccmp", "kern", "mark"],
        hinting=False,
        notdef_outline=True,
        recalc_timestamp=False,
        name_IDs=[0, 1, 2, 13, 14],  # whose it is, and its licence
    )
    with as_file(files("ziamath") / "fonts" / "STIXTwoMath-Regular.ttf") as path:
        font = TTFont(path, recalcTimestamp=False)
        cut = subset.Subsetter(options)
        cut.populate(
            unicodes=[code for low, high in _RANGES for code in range(low, high)]
        )
        cut.subset(font)
        font.flavor = "woff"
        written = BytesIO()
        font.save(written)
    return written.getvalue()
