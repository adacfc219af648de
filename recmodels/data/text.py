"""Make text from data safe to print in terminals, figures and HTML."""

import unicodedata

TITLE_WIDTH = 80  # Characters of a title that are shown; the longest of Amazon's have thousands.
# Control and format characters, halves of surrogate pairs, separators of lines and paragraphs.
_OBEYED = ("Cc", "Cf", "Cs", "Zl", "Zp")
# Line breaks, and the joiners that emoji, Persian and Indic scripts are written with.
_KEPT = "\n\u200c\u200d"


def visible(text: object) -> str:
    """Replace control characters by their escapes, such as `\x1b`.

    Line breaks stay: use `one_line` for a single title, name or id.

    Example:
        >>> print(visible("\\x1b[31mred"))
        \\x1b[31mred
    """
    return "".join(
        letter.encode("unicode_escape").decode("ascii")
        if unicodedata.category(letter) in _OBEYED and letter not in _KEPT
        else letter
        for letter in str(text)
    )


def one_line(text: object, width: int = TITLE_WIDTH) -> str:
    """Return a title, name or id as one line of at most `width` characters.

    Each run of blanks, tabs and line breaks becomes one blank; the rest is as in `visible`. A text
    that is cut ends with an ellipsis.

    Example:
        >>> one_line("Tea\\n for  two", width=7)
        'Tea fo…'
    """
    line = visible(" ".join(str(text).split())[: width + 1])
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def counted(count: int | str, noun: str) -> str:
    """Return a count with its noun, in the plural unless the count is 1.

    Args:
        count: a whole number, which is written with commas, or a number as text.
        noun: an English noun in the singular, with a regular plural.

    Example:
        >>> counted(1, "id"), counted(2000, "history"), counted("0.5", "minute")
        ('1 id', '2,000 histories', '0.5 minutes')
    """
    shown = count if isinstance(count, str) else f"{count:,}"
    if shown == "1":
        return f"1 {noun}"
    if noun.endswith("y") and noun[-2] not in "aeou":
        return f"{shown} {noun[:-1]}ies"
    return f"{shown} {noun}s"
