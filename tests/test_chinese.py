"""A Chinese log reads as well as an English one: no sign is missing in figures or tables."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

import recmodels as rm
from recmodels import plots
from recmodels.data.shop import simulate
from recmodels.plots import style

needs_font = pytest.mark.skipif(
    style.cjk_font() is None, reason="no Chinese font is installed, such as fonts-noto-cjk"
)
ITEMS = simulate(num_users=2, num_items=210, language="zh").interactions.items
TITLES = ITEMS["title"].tolist()
INTERVALS = pd.DataFrame({"mean": [0.3, 0.1], "low": [0.2, 0.0], "high": [0.4, 0.2]})
SLICES = INTERVALS.assign(users=[3, 4])
CURVE = pd.DataFrame({"epoch": [1, 2], "loss": [3.0, 2.0], "score": [0.1, 0.2]})
DRAWINGS = {
    "attention_map": (np.eye(3), TITLES[:3]),
    "behaviour_funnel": ({"浏览": 0.7, "收藏": 0.1, "加购": 0.15, "购买": 0.05}, "松间商店"),
    "learning_curves": ({"自注意力模型": CURVE, "循环网络": CURVE},),
    "metric_by_slice": ({"热门推荐": SLICES.set_axis(["新用户", "老用户"])},),
    "model_comparison": (INTERVALS.set_axis(["马尔可夫链", "随机"]),),
    "week_map": (np.ones((7, 24)), "松间商店：一周"),
}


def draw(ax):
    ax.figure.savefig(io.BytesIO(), format="png")


@pytest.fixture
def ax():
    return Figure(layout="constrained").subplots()


@needs_font
@pytest.mark.filterwarnings("error:Glyph")
@pytest.mark.parametrize("name", DRAWINGS)
def test_no_sign_of_a_figure_is_missing(name, ax):
    getattr(plots, name)(*DRAWINGS[name], ax=ax)
    assert style._is_chinese("".join(text.get_text() for text in ax.findobj(Text)))
    draw(ax)


@needs_font
@pytest.mark.filterwarnings("error:Glyph")
def test_every_word_of_the_shop_can_be_drawn(ax):
    words = "".join(sorted({sign for title in [*TITLES, *ITEMS["category"]] for sign in title}))
    plots.week_map(np.ones((7, 24)), words, ax=ax)
    draw(ax)


def test_a_sign_without_a_glyph_is_noticed(ax):
    ax.set_title("茶", fontfamily="DejaVu Sans")
    with pytest.warns(UserWarning, match="Glyph.*missing"):
        draw(ax)


def test_columns_and_titles_of_a_chinese_log_reach_the_list(tmp_path):
    path = tmp_path / "日志.csv"
    rows = [
        f"{user},{title},{1_600_000_000 + time}"
        for user in (1, 2)
        for time, title in enumerate(TITLES[:4])
    ]
    path.write_text("\n".join(["用户,商品,时间戳", *rows]), "utf-8")
    log = rm.read_events(path)
    data = rm.prepare(rm.leave_one_out(log))
    model = rm.Markov().fit(data.train, data.num_items)
    items = ITEMS.set_index("title")[["category"]].rename(columns={"category": "类别"})
    answer = rm.Recommender(model, data.vocabulary, items=items.loc[TITLES[:4]]).recommend(
        TITLES[:1], k=1
    )
    assert answer.items == [TITLES[1]]
    for shown in (repr(answer), answer._repr_html_()):
        assert all(words in shown for words in ("类别", TITLES[1], items.loc[TITLES[1], "类别"]))
