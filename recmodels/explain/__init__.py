"""Why a model recommends an item: which events of the history its score depends on."""
