"""The figures of a run."""

from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from recmodels import plots
from recmodels.evaluation.comparison import slices
from recmodels.experiments.quickstart import Quickstart
from recmodels.experiments.report import models_table
from recmodels.experiments.report_texts import text, translate_figure_text
from recmodels.plots.style import cjk_font


def draw_figures(result: Quickstart, folder: Path, language: str = "en") -> dict[str, Path]:
    """The figures of a run as PNG files, by name; English where no font writes Chinese."""
    data, winner = result.data, result.winner
    language = language if cjk_font() else "en"
    name_of = partial(text, language=language)
    name, table = name_of(winner.family), models_table(result)
    models = table["ndcg@10"].drop("ceiling", errors="ignore").rename(name_of)
    ceiling = table.loc["ceiling", ("ndcg@10", "mean")] if "ceiling" in table.index else None
    popularity = data.train.item_counts(data.num_items)[1:]
    by_length, by_popularity = (slices(winner.test, by) for by in ("length", "popularity"))
    encoder = result.encoder
    neural = encoder if encoder is not None and encoder.curve is not None else None
    longest = None if neural is None else neural.model.max_length
    drawings = {
        "models": lambda: plots.model_comparison(models, ceiling=ceiling),
        "costs": lambda: plots.cost_and_score(
            _costs(result).rename(index=name_of), winner=name, floor=name_of("popularity")
        ),
        "lengths": lambda: plots.length_distribution(data.train.lengths, longest),
        "popularity": lambda: plots.popularity_distribution(popularity),
        "by_length": lambda: plots.metric_by_slice({name: by_length}),
        "by_popularity": lambda: plots.metric_by_slice(
            {name: by_popularity}, by="training events of the target"
        ),
    }
    if neural is not None:
        frame = neural.curve.to_frame()
        drawings["learning"] = lambda: plots.learning_curves({name_of(neural.family): frame})
    paths = {}
    for figure, draw in drawings.items():
        paths[figure] = folder / f"{figure}.png"
        ax = draw()
        if language == "zh":
            _translate(ax)
        plots.save(ax, paths[figure])
        plt.close(ax.figure)
    return paths


def _costs(result: Quickstart) -> pd.DataFrame:
    """Seconds and validation score of each model and of its shorter trainings, by family."""
    metric = f"validation {result.data.protocol.choose_by.upper()}"
    trained = [each for c in result.candidates for each in (*c.trials, c)]
    scored = [c for c in trained if c.validation is not None]
    columns = {
        "seconds of tuning and training": [c.seconds for c in scored],
        metric: [c.score(result.data) for c in scored],
    }
    return pd.DataFrame(columns, index=[c.family for c in scored])


def _translate(ax: Axes) -> None:
    """Put the texts of a figure into Chinese."""
    legend = ax.get_legend()
    shown = [ax.xaxis.label, ax.yaxis.label, ax.title]
    shown += [] if legend is None else legend.get_texts()
    for each in shown:
        each.set_text(translate_figure_text(each.get_text()))
        each.set_fontfamily(["DejaVu Sans", cjk_font()])
