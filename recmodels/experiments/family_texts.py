"""Names of families of encoders, and the sentences of `recmodels run` about their training."""

from recmodels.models.families import FAMILIES

# By key: English, Chinese; see `report_texts`.
FAMILY_TEXTS: dict[str, tuple[str, str]] = {
    **{name: (family.title, family.title) for name, family in FAMILIES.items()},
    "measuring cost": (
        "Measuring a few training steps of {model}",
        "正在测量 {model} 的几个训练步骤",
    ),
    "cost": (
        "{model}: at most {total:minute} on this machine as it is now ({epochs:epoch} of "
        "{epoch:second}, validations of {validation:second}), {peak} GiB of memory of {available} "
        "GiB that are free",
        "{model}：按本机当前状态最多需要 {total} 分钟（{epochs} 轮，每轮 {epoch} 秒，每次验证 "
        "{validation} 秒），可用内存 {available} GiB，占用 {peak} GiB",
    ),
    "nothing to train on": (
        "Left out: every training history holds one event, which no other follows",
        "未参加：每个训练历史只有一个事件，没有后续事件",
    ),
    "no time to measure": (
        "Left out: the budget has {seconds:second} left, too few to measure its cost and to train",
        "未参加：时间预算只剩 {seconds} 秒，不足以测量成本并训练",
    ),
    "no time for an epoch": (
        "Left out: it may take {seconds:second} of the budget, too few for a start of "
        "{start:second} and one epoch of {epoch:second}",
        "未参加：它可用的时间预算为 {seconds} 秒，不足以完成 {start} 秒的启动和 {epoch} 秒的"
        "一轮训练",
    ),
    "fewer epochs": (
        "Trained for {epochs} instead of {wanted:epoch}, to fit into the {minutes:minute} left",
        "为在剩余的 {minutes} 分钟内完成，训练 {epochs} 轮而不是 {wanted} 轮",
    ),
    "fewer epochs and users": (
        "Trained on {share} of the users for {epochs} instead of {wanted:epoch}, to fit into the "
        "{minutes:minute} left",
        "为在剩余的 {minutes} 分钟内完成，只用 {share} 的用户训练 {epochs} 轮而不是 {wanted} 轮",
    ),
    "fewer epochs than planned": (
        "Stopped after {epochs} of {wanted:epoch}, because its time was used up",
        "训练 {epochs} 轮（共 {wanted} 轮）后停止，因为时间已用完",
    ),
    "smaller for memory": (
        "Trained with loss {loss} and width {width}, to fit into memory",
        "为适应内存，使用损失函数 {loss} 和宽度 {width} 训练",
    ),
    "long training": (
        "Warning: training {family} takes up to {hours:hour} here. --minutes sets a budget, "
        "and --families without {family} leaves it out",
        "警告：在本机训练 {family} 最多需要 {hours} 小时。可用 --minutes 设定时间预算，"
        "或用 --families 排除 {family}",
    ),
    "trying": (
        "Training {model} for {epochs:epoch} on {share} of the users, to compare encoders",
        "为比较编码器，正在用 {share} 的用户训练 {model}（{epochs} 轮）",
    ),
    "dropped": (
        "Dropped after {epochs:epoch} on {share} of the users: {better} was ahead on validation by "
        "then",
        "用 {share} 的用户训练 {epochs} 轮后淘汰：届时 {better} 的验证集得分更高",
    ),
    "dropped unequal": (
        "Dropped after {epochs:epoch} on {share} of the users: in an equal time {better} was ahead "
        "on validation, after {better_epochs:epoch} on {better_share} of the users",
        "用 {share} 的用户训练 {epochs} 轮后淘汰：在相同时间内，{better} 用 {better_share} 的用户"
        "训练 {better_epochs} 轮，验证集得分更高",
    ),
    "halved": ("Chosen among the encoders: {model}", "在编码器中选定：{model}"),
    "figure costs": (
        "Validation {metric} of each model against the seconds of its tuning and training. Hollow "
        "points, joined for each encoder, are shorter trainings that compared encoders. The star "
        "is the model in bundle/, the dotted line the score of popularity",
        "各模型的验证集 {metric} 与其调参和训练的秒数。空心点为用于比较编码器的较短训练，"
        "同一编码器的训练以线相连。星号为 bundle/ 中的模型，点线为热门推荐的得分",
    ),
}
