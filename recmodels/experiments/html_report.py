"""The HTML report of a run, in one file that needs no network."""

import base64
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd

from recmodels.data.card import data_card
from recmodels.data.files import written_whole
from recmodels.data.leakage import leak_report
from recmodels.data.text import one_line, visible
from recmodels.evaluation.comparison import slices
from recmodels.experiments.quickstart import Quickstart, language_of_log
from recmodels.experiments.report import (
    SHOWN_METRICS,
    audit_note,
    list_titles,
    models_table,
    remark,
    verdict,
)
from recmodels.experiments.report_figures import draw_figures
from recmodels.experiments.report_texts import text
from recmodels.recommend.recommendation import SENTENCE_WIDTH

STYLE = """
body { font: 16px/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif; color: #1a1a1a;
  background: #fff; max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin-top: 2.2rem;
  border-bottom: 1px solid #ccc; } h3 { font-size: 1rem; margin-bottom: 0; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: 0.9rem; }
th, td { text-align: left; padding: 0.25rem 0.7rem 0.25rem 0; border-bottom: 1px solid #e4e4e4;
  vertical-align: top; } .models th, .models td { overflow-wrap: normal; }
caption { caption-side: bottom; text-align: left; font-size: 0.85rem; padding-top: 0.4rem; }
td.number { white-space: nowrap; font-variant-numeric: tabular-nums; }
tr.winner { background: #eef6ee; } small { display: block; font-weight: normal; color: #555; }
.models tbody th { max-width: 14rem; } .models td:last-child { min-width: 12rem; }
figure { margin: 1rem 0; } figure img { width: 42rem; max-width: 100%; height: auto; }
figcaption { font-size: 0.85rem; } pre { white-space: pre-wrap; background: #f4f4f4;
  padding: 0.6rem; } .verdict { border-left: 4px solid #0072b2; padding-left: 0.8rem; }
.grid { display: grid; gap: 0 2rem;
  grid-template-columns: repeat(auto-fit, minmax(min(17rem, 100%), 1fr)); }
ol { margin-top: 0.2rem; padding-left: 1.6rem; } mark { background: #fff3bf; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; }
  figure, tr, .grid > section { break-inside: avoid; } h2 { break-after: avoid; }
  .scroll { overflow: visible; } }
"""


def write_report(result: Quickstart, folder: Path) -> Path:
    """Write figures and `report.html` into the folder of a run and return the report's path.

    Texts from the data are elements of a tree, so that none of them can be read as HTML.

    Args:
        result: from `quickstart`.
        folder: gets `report.html` and `figures/`.
    """
    language = language_of_log(result.log, result.data)
    figures = draw_figures(result, folder / "figures", language)
    page = _Page(result, figures, language).build()
    path = folder / "report.html"
    with written_whole(path) as unfinished:
        html = ElementTree.tostring(page, encoding="unicode", method="html")
        unfinished.write_text(f"<!DOCTYPE html>\n{html}\n", "utf-8")
    return path


def element(tag: str, *children, **attributes) -> ElementTree.Element:
    """An HTML element; children are elements, or texts that are shown as they are.

    Attributes are written without the underscore that keeps Python's keywords apart.
    """
    made = ElementTree.Element(tag, {key.rstrip("_"): str(v) for key, v in attributes.items()})
    for child in children:
        if isinstance(child, ElementTree.Element):
            made.append(child)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + visible(child)
        else:
            made.text = (made.text or "") + visible(child)
    return made


class _Page:
    """Builds the page of a run in the language of its texts."""

    def __init__(self, result: Quickstart, figures: dict[str, Path], language: str) -> None:
        self.result, self.figures, self.language = result, figures, language

    def say(self, key: str, **values) -> str:
        return text(key, self.language, **values)

    def sentence(self, note) -> ElementTree.Element:
        end = "。" if self.language == "zh" else "."
        key, values = note
        return element("p", self.say(key, **values) + end)

    def build(self) -> ElementTree.Element:
        title = self.say("title", name=one_line(self.result.log.name))
        sections = (
            self.models, self.order, self.lists, self.slices, self.learning, self.data_card,
            self.reading, self.leaks, self.cost, self.next_steps, self.command,
        )  # fmt: skip
        verdicts = [self.sentence(self._translated(note)) for note in verdict(self.result)]
        return element(
            "html",
            element(
                "head",
                element("meta", charset="utf-8"),
                element("meta", name="viewport", content="width=device-width, initial-scale=1"),
                element("title", title),
                element("style", STYLE),
            ),
            element(
                "body",
                element(
                    "main",
                    element("h1", title),
                    element("div", *verdicts, class_="verdict"),
                    *(build() for build in sections),
                ),
            ),
            lang=self.language,
        )

    def _translated(self, note):
        """A note whose model is named in the language of the report."""
        key, values = note
        families = {text(c.family): c.family for c in self.result.candidates}
        if values.get("model") in families:
            values = {**values, "model": self.say(families[values["model"]])}
        return key, values

    def section(self, key: str, *children) -> ElementTree.Element:
        return element("section", element("h2", self.say(f"section {key}")), *children)

    def figure(self, name: str, **values) -> ElementTree.Element:
        described = self.say(f"figure {name}", **values)
        data = base64.b64encode(self.figures[name].read_bytes()).decode("ascii")
        image = element("img", src=f"data:image/png;base64,{data}", alt=described)
        return element("figure", image, element("figcaption", described))

    def table(self, rows: dict) -> ElementTree.Element:
        """Two columns: a name and its value."""
        cells = [
            element("tr", element("th", name, scope="row"), element("td", value))
            for name, value in rows.items()
        ]
        return element("div", element("table", element("tbody", *cells)), class_="scroll")

    def models(self) -> ElementTree.Element:
        result, metric = self.result, self.result.data.protocol.choose_by.upper()
        heads = [self.say("model"), f"{self.say('validation')} {metric}"]
        heads += [f"{m.upper()} (95\u00a0%)" for m in SHOWN_METRICS]
        heads += [self.say("seconds"), self.say("options")]
        table, by_family = models_table(result), {c.family: c for c in result.candidates}
        rows = [self._model_row(f, by_family.get(f), row) for f, row in table[::-1].iterrows()]
        rows += [self._model_row(c.family, c, None) for c in result.candidates if c.test is None]
        caption = element("caption", self.say("caption models", users=len(result.data.test)))
        head = element("tr", *(element("th", name, scope="col") for name in heads))
        body = element("table", caption, element("thead", head), element("tbody", *rows))
        body.set("class", "models")
        notes = map(self.sentence, result.notes)
        return self.section(
            "models",
            element("div", body, class_="scroll"),
            *notes,
            self.figure("models"),
            self.figure("costs", metric=metric),
        )

    def _model_row(self, family: str, candidate, row: pd.Series | None) -> ElementTree.Element:
        numbers = [[""]] * (1 + len(SHOWN_METRICS))
        if row is not None:
            score = "" if candidate is None else f"{candidate.score(self.result.data):.4f}"
            numbers = [[score]] + [
                [f"{row[m, 'mean']:.4f}", f"{row[m, 'low']:.4f}–{row[m, 'high']:.4f}"]
                for m in SHOWN_METRICS
            ]
        seconds = options = added = ""
        if candidate is not None:
            seconds = f"{candidate.seconds:.1f}" if candidate.model is not None else ""
            options = ", ".join(f"{k} {v}" for k, v in candidate.options.items())
            added = remark(candidate, self.result, self.language)
        cells = [
            element("td", first, *(element("small", part) for part in rest), class_="number")
            for first, *rest in [*numbers, [seconds]]
        ]
        name = element("th", self.say(family), element("small", added), scope="row")
        kind = {"class_": "winner"} if candidate is self.result.winner else {}
        return element("tr", name, *cells, element("td", options), **kind)

    def order(self) -> ElementTree.Element:
        return self.section("order", self.sentence(audit_note(self.result)))

    def lists(self) -> ElementTree.Element:
        return self.section(
            "lists", element("div", *map(self._list, self.result.examples), class_="grid")
        )

    def _list(self, example) -> ElementTree.Element:
        last, wanted, answer = example
        before = f"{self.say('after')}: " + " → ".join(map(one_line, last))
        titles = list_titles(answer)
        shown = [
            element("li", element("mark", one_line(t)) if t == wanted else one_line(t), *why)
            for t, why in zip(titles, map(_reason, answer.why or [""] * len(titles)), strict=True)
        ]
        came = self.say("came", item=one_line(wanted or self.say("new item")))
        return element("section", element("h3", before), element("p", came), element("ol", *shown))

    def slices(self) -> ElementTree.Element:
        figures = []
        for name, by in (("by_length", "length"), ("by_popularity", "popularity")):
            rows = slices(self.result.winner.test, by).iterrows()
            values = ", ".join(f"{part}: {row['mean']:.3f}" for part, row in rows)
            figures.append(self.figure(name, values=values))
        return self.section("slices", element("div", *figures, class_="grid"))

    def learning(self) -> ElementTree.Element:
        if "learning" not in self.figures:
            return self.section("learning", self.sentence(("no curve", {})))
        encoder = self.result.encoder
        best = encoder.curve.best
        values = {"score": f"{best['score']:.4f}", "epoch": best["epoch"]}
        shown = self.figure("learning", model=self.say(encoder.family), **values)
        return self.section("learning", shown)

    def data_card(self) -> ElementTree.Element:
        card = data_card(self.result.log).to_dict()
        keys = ("events", "users", "items", "density", "first", "last", "lengths", "repeats")
        keys += ("repeated_last", "ties", "actions")
        rows = {self.say(k): _shown(card[k], k) for k in keys if card[k] not in (None, {})}
        figures = [self.figure("lengths"), self.figure("popularity")]
        return self.section("data", self.table(rows), element("div", *figures, class_="grid"))

    def reading(self) -> ElementTree.Element:
        assumed = self.result.log.assumed
        rows = {one_line(key): one_line(value, 300) for key, value in assumed.items()}
        shown = self.table(rows) if rows else self.sentence(("assumed nothing", {}))
        return self.section("reading", shown)

    def leaks(self) -> ElementTree.Element:
        report = leak_report(self.result.split).to_dict()
        keys = ("train_events", "future_share_median", "own_future_events", "ties_at_cut")
        keys += ("known_pairs", "cold_users", "cold_targets")
        rows = {self.say("cases"): _shown(report["users"])}
        rows |= {self.say(k): _shown(report[k], k) for k in keys if report[k] is not None}
        return self.section("leaks", self.table(rows))

    def cost(self) -> ElementTree.Element:
        notes: Iterable = [("all in", {"seconds": f"{self.result.seconds:.0f}"})]
        if self.result.cost is not None:
            model = self.say(self.result.encoder.family)
            notes = [("cost", {"model": model, **self.result.cost.shown()}), *notes]
        return self.section("cost", *map(self.sentence, notes))

    def next_steps(self) -> ElementTree.Element:
        result = self.result
        keys = [("next recommend", {"folder": one_line(result.folder, 300)})]
        shortened = ("no time for an epoch", "no time to measure", "fewer epochs")
        if result.encoder and result.encoder.note and result.encoder.note[0].startswith(shortened):
            keys.append(("next minutes", {}))
        if result.audit.verdict != "order helps":
            keys.append(("next order", {}))
        future = leak_report(result.split).future_share_median
        if future and result.split.protocol == "leave-one-out":
            keys.append(("next leak", {"share": f"{future:.0%}"}))
        if any(key == "few users" for key, _ in verdict(result)):
            keys.append(("next users", {}))
        steps = [element("li", self.say(key, **values)) for key, values in keys]
        return self.section("next", element("ul", *steps))

    def command(self) -> ElementTree.Element:
        return self.section("command", element("pre", self.result.command))


def _reason(sentence: str) -> list[ElementTree.Element]:
    return [element("small", one_line(sentence, SENTENCE_WIDTH))] if sentence else []


SHARES = ("density", "repeats", "repeated_last", "ties", "future_share_median")


def _shown(value, key: str = "") -> str:
    """A number, share, date or small dict as a reader expects it."""
    if isinstance(value, dict):
        return ", ".join(f"{one_line(name)} {_shown(part)}" for name, part in value.items())
    if key in SHARES:
        return f"{value:.2%}"
    return f"{value:,.10g}" if isinstance(value, int | float) else one_line(value)
