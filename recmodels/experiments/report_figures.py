"""The figures of a run."""

from pathlib import Path

import matplotlib.pyplot as plt

from recmodels import plots
from recmodels.evaluation.comparison import slices
from recmodels.experiments.quickstart import Quickstart
from recmodels.experiments.report import models_table
from recmodels.experiments.report_texts import text
from recmodels.experiments.tournament import NEURAL


def draw_figures(result: Quickstart, folder: Path) -> dict[str, Path]:
    """The figures of a run as PNG files, by name."""
    data, winner = result.data, result.winner
    name, table = text(winner.family), models_table(result)
    models = table["ndcg@10"].drop("ceiling", errors="ignore").rename(text)
    ceiling = table.loc["ceiling", ("ndcg@10", "mean")] if "ceiling" in table.index else None
    popularity = data.train.item_counts(data.num_items)[1:]
    by_length, by_popularity = (slices(winner.test, by) for by in ("length", "popularity"))
    neural = next((c for c in result.candidates if c.curve is not None), None)
    longest = None if neural is None else neural.model.max_length
    drawings = {
        "models": lambda: plots.model_comparison(models, ceiling=ceiling),
        "lengths": lambda: plots.length_distribution(data.train.lengths, longest),
        "popularity": lambda: plots.popularity_distribution(popularity),
        "by_length": lambda: plots.metric_by_slice({name: by_length}),
        "by_popularity": lambda: plots.metric_by_slice(
            {name: by_popularity}, by="training events of the target"
        ),
    }
    if neural is not None:
        frame = neural.curve.to_frame()
        drawings["learning"] = lambda: plots.learning_curves({text(NEURAL): frame})
    paths = {}
    for figure, draw in drawings.items():
        paths[figure] = folder / f"{figure}.png"
        ax = draw()
        plots.save(ax, paths[figure])
        plt.close(ax.figure)
    return paths
