"""Errors say what must be and end with what was received."""

import numpy as np
import pytest

from recmodels.data.errors import invalid, require


def test_what_was_received_ends_the_message():
    error = invalid("`k` must be at least 1", k=np.int64(0), name="a", kind=dict)
    assert str(error) == "`k` must be at least 1. Received: k=0, name='a', kind=dict"


def test_only_what_does_not_fit_is_refused():
    require([0], "`k` must be given", k=0)
    with pytest.raises(ValueError, match=r"^`k` must be given. Received: k=\[\]$"):
        require([], "`k` must be given", k=[])


def test_long_values_are_cut():
    assert str(invalid("`ids` must be one list", ids="x" * 10_000)).endswith("xxx...")
    assert len(str(invalid("`ids` must be one list", ids=[1] * 10_000))) < 600
