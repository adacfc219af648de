"""Attributes that only take positive numbers, such as a temperature."""

import numpy as np

from recmodels.data.errors import require


class PositiveNumber:
    """A class attribute whose values on instances are finite numbers above 0, as floats.

    Raises:
        ValueError: something else is assigned.

    Example:
        >>> class Model:
        ...     temperature = PositiveNumber()
        >>> Model().temperature = 0
        ValueError: `temperature` must be a number greater than 0. Received: temperature=0
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance, owner: type | None = None):
        return self if instance is None else getattr(instance, f"_{self.name}")

    def __set__(self, instance, value: float) -> None:
        number = isinstance(value, int | float | np.floating) and not isinstance(value, bool)
        fits = number and 0 < value < np.inf
        require(fits, f"`{self.name}` must be a number greater than 0", **{self.name: value})
        instance.__dict__[f"_{self.name}"] = float(value)
