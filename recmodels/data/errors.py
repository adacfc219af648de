"""Errors for invalid arguments: the requirement, what to do, and the received value."""

MOST_CHARACTERS = 500  # Of a value that is shown.


def invalid(message: str, **received) -> ValueError:
    """Make the error for an invalid argument.

    Args:
        message: a sentence without its full stop; argument, column or row in backticks.
        received: what was given, by name; of a type its name is shown.

    Example:
        >>> raise invalid("`k` must be at least 1", k=0)
        ValueError: `k` must be at least 1. Received: k=0
    """
    shown = ", ".join(f"{name}={_show(value)}" for name, value in received.items())
    return ValueError(f"{message}. Received: {shown}")


def require(fits: object, message: str, **received) -> None:
    """Raise the error of `invalid` unless a condition holds."""
    if not fits:
        raise invalid(message, **received)


def _show(value: object) -> str:
    if isinstance(value, type):
        return value.__name__
    shown = repr(value) if isinstance(value, str | bytes) else str(value)
    return shown if len(shown) <= MOST_CHARACTERS else f"{shown[:MOST_CHARACTERS]}..."
