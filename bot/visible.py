"""Text from people and from AWS, made safe to look at."""

import unicodedata


def visible(text: str) -> str:
    r"""Return `text` with every control, bidirectional and other invisible character shown as `\\u202E`."""
    return "".join(_seen(character) for character in text)


def _seen(character: str) -> str:
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    return f"\\u{ord(character):04X}" if hidden else character
