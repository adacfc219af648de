"""Item vectors made of columns of the items, such as their texts, in sequence encoders."""

from collections.abc import Mapping
from typing import Self

import numpy as np
from keras import ops

from recmodels.data.errors import require
from recmodels.features.checks import check_columns
from recmodels.layers.content_embedding import ContentItemEmbedding
from recmodels.layers.embedding import ItemEmbedding
from recmodels.layers.text_embedding import TextItemEmbedding
from recmodels.models.sequence_encoder import SequenceEncoder

RARE_SHARE = 0.1  # Of the items with a training event: those with the fewest count as rare.


def check_item_columns(columns, id_vectors: bool) -> dict[str, dict[str, int]]:
    """Return the sizes of columns of items as dicts.

    Raises:
        ValueError: a column has codes instead of numbers, or nothing describes the items.
    """
    must = "`item_columns` must be columns of numbers, such as `input_sizes` of a `Vector`"
    columns = {} if columns is None else columns
    fits = isinstance(columns, Mapping)
    fits = fits and all(isinstance(size, Mapping) for size in columns.values())
    require(fits, must, item_columns=columns)
    columns = {name: dict(size) for name, size in columns.items()}
    # `tune_item_texts` adds "texts".
    fits = all({"numbers"} <= set(size) <= {"numbers", "texts"} for size in columns.values())
    require(fits, must, columns=columns)
    must = "`item_columns` must be given to a model without `id_vectors`"
    require(columns or id_vectors, must, item_columns=columns, id_vectors=id_vectors)
    return columns


class ItemContent(SequenceEncoder):
    """Base class of encoders whose items may have content: `item_columns` with their sizes.

    The `item_embedding` is then a `ContentItemEmbedding`.
    """

    item_columns: Mapping[str, Mapping[str, int]] = {}
    id_vectors = True  # Whether items have id vectors besides their content.

    def make_item_embedding(self) -> ItemEmbedding:
        """Make the embedding from the settings of the model, which must be there."""
        options = {"unit": self.temperature is not None, "name": "item_embedding"}
        options["dtype"] = self.dtype_policy
        if not self.item_columns:
            return ItemEmbedding(self.num_items, self.width, **options)
        options["id_vectors"], kind, numbers = self.id_vectors, ContentItemEmbedding, 0
        for size in self.item_columns.values():
            if "texts" in size:
                options |= {"texts": size["texts"], "begin": numbers}
                kind = TextItemEmbedding
            numbers += size["numbers"]
        return kind(self.num_items, self.width, numbers, **options)

    def content_config(self) -> dict:
        """Return the arguments of the constructor that say what items are made of."""
        if not self.item_columns:
            return {}
        return {"item_columns": self.item_columns, "id_vectors": self.id_vectors}

    def adapt_items(
        self, columns: Mapping[str, np.ndarray], counts: np.ndarray | None = None
    ) -> None:
        """Set the columns of all items, as `fit` does from the data.

        Args:
            columns: `data.item_columns`, (V + 3, C) by name.
            counts: training events per item, (V + 1,); by default as before.

        Raises:
            ValueError: a column is missing or of another size.
        """
        missing = [name for name in self.item_columns if name not in columns]
        must = "The schema of the data must have the columns of items that the model reads"
        require(not missing, f"{must}: `prepare(split, schema=...)`", missing=missing)
        check_columns(columns, self.item_columns)
        if not self.built:
            self.build()
        was_initial = self.has_initial_weights
        content = np.concatenate([columns[name] for name in self.item_columns], axis=1)
        known, rare = self._known_and_rare()
        if counts is not None:
            # The unknown item and the mask have id vectors like trained items.
            known = np.append(counts > 0, [True, True])
            few = np.quantile(counts[counts > 0], RARE_SHARE) if known[:-2].any() else 0
            rare = np.append((counts > 0) & (counts <= few), [False, False])
        self.item_embedding.adapt(content, known, rare)
        if was_initial:
            self.remember_weights()

    def _known_and_rare(self) -> tuple[np.ndarray, np.ndarray]:
        """Which items have training events, and which of them few, bool (V + 3,) each."""
        weights = (self.item_embedding.known, self.item_embedding.rare)
        known, rare = (ops.convert_to_numpy(weight)[:, 0] > 0 for weight in weights)
        return known, rare

    def covered_items(self) -> np.ndarray:
        """Return whether each item can be scored by its content, bool (V + 1,)."""
        covered = np.zeros(self.num_items + 1, bool)
        if self.item_columns:
            content = ops.convert_to_numpy(self.item_embedding.content)[: self.num_items + 1]
            ends = np.cumsum([size["numbers"] for size in self.item_columns.values()])
            # The last number of each column says that it is missing.
            covered = np.delete(content, ends - 1, axis=1).any(axis=1)
        return covered

    def grown(self, num_new: int) -> Self:
        """Return a copy with `num_new` further items that have no training event; see `grow`.

        Raises:
            ValueError: the model contains blocks of a text encoder, which know the texts of the
                present items only.
        """
        must = "`model` must be made without `tune_item_texts` to get new items"
        require(not isinstance(self.item_embedding, TextItemEmbedding), must, num_new=num_new)
        larger = super().grown(num_new)
        if self.item_columns:
            known, rare = larger._known_and_rare()
            known[self.num_items + 1 : larger.num_items + 1] = False
            larger.item_embedding.adapt(larger.item_embedding.content, known, rare)
        return larger
