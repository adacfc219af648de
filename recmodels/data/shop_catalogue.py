"""Titles, brands and prices for the simulated shop, in English or Chinese."""

import numpy as np
import pandas as pd

FIRST_ITEM = 1001  # Raw ids are not the ids a model counts in, so that mixing them up shows.

_WORDS = {
    "en": {
        "category": ["tea", "kitchen", "running", "garden", "desk", "camping", "music"],
        "noun": [
            ["green tea", "oolong", "jasmine tea", "tea pot", "tasting cup"],
            ["wok", "chef's knife", "rice cooker", "chopping board", "steamer"],
            ["running shoes", "wind jacket", "water belt", "cap", "socks"],
            ["pruning shears", "watering can", "seed box", "gloves", "plant pot"],
            ["notebook", "fountain pen", "desk lamp", "keyboard", "file tray"],
            ["tent", "sleeping bag", "gas stove", "lantern", "rucksack"],
            ["headphones", "ukulele", "record player", "metronome", "loudspeaker"],
        ],
        "adjective": ["classic", "light", "compact", "handmade", "sturdy", "quiet", "travel"],
        "brand": ["Alder", "Birchwood", "Cairn", "Dovetail", "Elmstead", "Fenwick"],
        "join": " ",
    },
    "zh": {
        "category": ["茶", "厨房", "跑步", "园艺", "书桌", "露营", "音乐"],
        "noun": [
            ["绿茶", "乌龙茶", "茉莉花茶", "茶壶", "品茗杯"],
            ["炒锅", "菜刀", "电饭煲", "砧板", "蒸笼"],
            ["跑鞋", "防风外套", "腰包水壶", "运动帽", "运动袜"],
            ["修枝剪", "洒水壶", "种子盒", "园艺手套", "花盆"],
            ["笔记本", "钢笔", "台灯", "键盘", "文件架"],
            ["帐篷", "睡袋", "燃气炉", "营地灯", "登山包"],
            ["耳机", "尤克里里", "唱片机", "节拍器", "音箱"],
        ],
        "adjective": ["经典", "轻便", "迷你", "手工", "耐用", "静音", "旅行"],
        "brand": ["松间", "云杉", "白石", "听雨", "远山", "青禾"],
        "join": "",
    },
}
LANGUAGES = tuple(_WORDS)
NUM_CATEGORIES = 7


def build_catalogue(num_items: int, language: str, rng: np.random.Generator) -> pd.DataFrame:
    """The items of the shop: `title`, `category`, `brand`, `price`, indexed by raw id.

    Item i belongs to category i modulo 7. Titles are distinct; past 1,470 items they end in a
    model number. The same generator gives the same shelf in either language.
    """
    words = _WORDS[language]
    item = np.arange(num_items)
    category, line = item % NUM_CATEGORIES, item // NUM_CATEGORIES
    nouns, adjectives, brands = len(words["noun"][0]), len(words["adjective"]), len(words["brand"])
    num_names = nouns * adjectives
    shuffled = rng.permuted(np.tile(np.arange(num_names), (NUM_CATEGORIES, 1)), axis=1)
    # 35 names and 6 brands have no common divisor: each pair comes once in 210 lines.
    code, model = shuffled[category, line % num_names], line // (num_names * brands)
    noun = np.array(words["noun"])[category, code % nouns]
    adjective = np.array(words["adjective"])[code // nouns]
    brand = np.array(words["brand"])[line % brands]
    price = np.round(np.exp(rng.normal(3.0 + 0.2 * category, 0.6)), 2)
    names = map(words["join"].join, zip(brand, adjective, noun, strict=True))
    titles = [f"{n} {m + 1}" if m else n for n, m in zip(names, model, strict=True)]
    columns = {"title": titles, "category": np.array(words["category"])[category]}
    index = pd.RangeIndex(FIRST_ITEM, FIRST_ITEM + num_items, name="item")
    return pd.DataFrame(columns | {"brand": brand, "price": price}, index)
