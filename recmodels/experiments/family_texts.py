"""Names of families of encoders, and the sentences of `recmodels run` about their comparison."""

from recmodels.models.families import FAMILIES

# By key: English, Chinese; see `report_texts`.
FAMILY_TEXTS: dict[str, tuple[str, str]] = {
    **{name: (family.title, family.title) for name, family in FAMILIES.items()},
    "trying": ("Training {model} for {epochs} epochs", "正在训练 {model}（{epochs} 轮）"),
    "tried": (
        "Trained for {epochs} epochs only, because another encoder was better by then",
        "只训练了 {epochs} 轮，因为届时另一个编码器更好",
    ),
    "halved": ("Chosen among the encoders: {model}", "在编码器中选定：{model}"),
    "figure costs": (
        "Validation score of each model against the seconds of its tuning and training",
        "各模型的验证集得分与其调参和训练的秒数",
    ),
}
