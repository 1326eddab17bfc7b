"""Text from outside, made safe to show in a terminal."""

# What reads a line is a terminal, so whatever could move its cursor or forge a
# second line is shown as an escape instead.
_UNSAFE = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(0x80, 0xA0)) if code != 9}
_UNSAFE |= {code: f"\\u{code:04x}" for code in (0x2028, 0x2029, *range(0x202A, 0x202F))}


def printable(text: str) -> str:
    return text.translate(_UNSAFE)
