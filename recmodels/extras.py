"""Imports of optional dependencies."""

import importlib
from types import ModuleType


def import_extra(module: str, extra: str) -> ModuleType:
    """Import a module that only an extra of this package installs.

    Args:
        module: full name, such as `"sklearn.feature_extraction.text"`.
        extra: name of the extra in `pyproject.toml`, such as `"text"`.

    Raises:
        ImportError: the module is not installed; the message gives the command that installs it.

    Example:
        >>> faiss = import_extra("faiss", "faiss")
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f'This needs the package `{module.split(".")[0]}`: `pip install "recmodels[{extra}]"`. '
            f"Received: {error}"
        ) from error
