"""Making visible what would not be seen, or would turn the text around it."""

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters, marks and a symbol that fonts draw as nothing (Unicode: Default_Ignorable_Code_Point, and blank Braille).
_DRAWN_AS_NOTHING = frozenset(
    chr(each)
    for each in (
        *(0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
        *(*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)),
    )
)


def visible(text: str) -> str:
    r"""Return `text` with every control, bidirectional and other invisible character shown like `\u202E`.

    What comes back as it was has no such character in it.
    """
    if text.isprintable() and _DRAWN_AS_NOTHING.isdisjoint(text):  # as nearly all text is
        return text
    return "".join(
        f"\\u{ord(each):04X}" if unicodedata.category(each) in _HIDDEN or each in _DRAWN_AS_NOTHING else each
        for each in text
    )
