"""Checks of the exercises in the notebooks."""

from recmodels.course.checking import NOTEBOOK_NUMBER, check

__all__ = ["NOTEBOOK_NUMBER", "check"]
