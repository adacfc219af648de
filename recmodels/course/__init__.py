"""Checks of the exercises in the notebooks."""

from recmodels.course.checking import check

__all__ = ["check"]
