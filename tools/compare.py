"""Compare a notebook's stored text with what it prints now: words must be equal, numbers close."""

import re

# A number that is not part of a name: 0.93, -1.2e-05, 12, .5; not the 2 of conv2d.
NUMBER = re.compile(r"(?<![\w.])[-+−]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w])")


def unit(number):
    """Return one unit of the last printed digit of a decimal number; 0 for an integer, which must be equal."""
    mantissa, _, exponent = number.lower().partition("e")
    digits = len(mantissa.partition(".")[2])
    if "." not in mantissa and not exponent:
        return 0.0
    return 10.0 ** (int(exponent or 0) - digits)


def value(number):
    return float(number.replace("−", "-"))


def words(text):
    """Return the text with each number replaced by a mark and white space dropped: its width follows the numbers."""
    return re.sub(r"\s+", "", NUMBER.sub("\N{WHITE SQUARE}", text))


def same_text(stored, printed, tolerance=None):
    """Tell whether two texts say the same.

    Args:
        stored, printed: the two texts.
        tolerance: how far two numbers may be apart (absolute); None means one unit of the last printed digit, of the
            coarser of the two, and exact for integers.
    """
    if stored == printed:
        return True
    if words(stored) != words(printed):
        return False
    for a, b in zip(NUMBER.findall(stored), NUMBER.findall(printed), strict=True):
        allowed = max(unit(a), unit(b)) if tolerance is None else tolerance
        if abs(value(a) - value(b)) > allowed * (1 + 1e-6):
            return False
    return True
