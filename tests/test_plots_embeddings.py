"""The map of vectors."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from recmodels import plots


def test_vector_map_draws_the_principal_components():
    # Along (1, 1) the spread is 2, 0 and 2, across it nothing.
    ax = plots.vector_map([[0, 0], [2, 2], [4, 4.0]], ["tea", "cup", "tea"], Figure().subplots())
    tea, cup = (np.asarray(dots.get_offsets()) for dots in ax.collections)
    np.testing.assert_allclose(np.abs(tea), [[8**0.5, 0], [8**0.5, 0]], atol=1e-9)
    np.testing.assert_allclose(cup, [[0, 0]], atol=1e-9)
    assert ax.get_xlabel() == "component 1, 100% of the variance"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["tea", "cup"]


def test_vector_map_refuses_other_groups():
    with pytest.raises(ValueError, match="`groups` must name one group per vector"):
        plots.vector_map(np.ones((3, 2)), ["tea"])
