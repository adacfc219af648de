"""Every sentence of `recmodels run` and its report, in English and in Chinese."""

import re
import string

from recmodels.data.text import counted, visible
from recmodels.experiments.family_texts import FAMILY_TEXTS

# By key: English, Chinese.
TEXTS: dict[str, tuple[str, str]] = {
    # Names of models.
    "popularity": ("popularity", "热门"),
    "repeat-last": ("repeat last", "重复最近"),
    "markov": ("Markov chain", "马尔可夫链"),
    "transitions": ("transitions", "转移计数"),
    "item-knn": ("ItemKNN", "ItemKNN"),
    "ease": ("EASE", "EASE"),
    "blend": ("blend", "融合"),
    "ceiling": ("known ceiling", "已知上限"),
    # Progress and decisions.
    "reading": ("Reading {dataset}", "正在读取 {dataset}"),
    "read": (
        "{events:event} of {users:user} and {items:item}",
        "{events} 个事件，{users} 个用户，{items} 个物品",
    ),
    "splitting": ("Splitting ({protocol})", "正在划分（{protocol}）"),
    "sampled": (
        "Models are measured on {validation} validation and {test} test users drawn at random",
        "随机抽取 {validation} 个验证用户和 {test} 个测试用户进行评估",
    ),
    "keeps seen": (
        "Lists keep items that the user already has: {share} of the validation targets are such "
        "items, {limit} or more",
        "列表保留用户已有的物品：验证目标中有 {share} 是已有物品，不低于 {limit}",
    ),
    "filters seen": (
        "Lists leave out items that the user already has: {share} of the validation targets are "
        "such items, less than {limit}",
        "列表排除用户已有的物品：验证目标中只有 {share} 是已有物品，低于 {limit}",
    ),
    "tuning": ("Tuning {model}", "正在调节 {model}"),
    "tuned": (
        "{model}: validation {metric} {score} in {seconds:second}",
        "{model}：验证集 {metric} {score}，用时 {seconds} 秒",
    ),
    "noted": ("{model}. {note}", "{model}。{note}"),
    "training": ("Training {model}", "正在训练 {model}"),
    "measuring": ("Measuring all models on the test cases", "正在测试集上评估所有模型"),
    # Notes on candidates.
    "too many items for ease": (
        "Left out: its matrix of {items} x {items} numbers, held twice, needs {gib} GiB",
        "未参加：{items} x {items} 的矩阵需保存两份，共 {gib} GiB",
    ),
    "fit takes too long": (
        "Left out: fitting it on {items} items would take about {minutes:minute}",
        "未参加：在 {items} 个物品上拟合约需 {minutes} 分钟",
    ),
    "failed": ("Failed: {reason}", "失败：{reason}"),
    "no better than popularity": (
        "Failed: training learned no more than popularity",
        "失败：训练结果不优于热门推荐",
    ),
    "budget used up": ("Left out: the budget is used up", "未参加：时间预算已用完"),
    # The verdict.
    "winner": (
        "{model} has the highest validation {metric} ({validation}) and is the model in bundle/. "
        "On the test cases it reaches {test}",
        "{model} 的验证集 {metric} 最高（{validation}），已保存在 bundle/ 中。测试集得分为 {test}",
    ),
    "ahead": (
        "Its difference on the test cases from {model}, the second on validation, is {difference} "
        "(95 % interval {low} to {high})",
        "在测试集上与验证集第二名 {model} 的差为 {difference}（95 % 区间 {low} 至 {high}）",
    ),
    "test below popularity": (
        "Caution: on the test cases it is not above popularity. Do not rely on it",
        "注意：在测试集上它不优于热门推荐，请勿依赖该模型",
    ),
    "few users": (
        "Caution: only {users} validation users decide, so that another draw of users may well "
        "choose another model",
        "注意：只有 {users} 个验证用户，换一批用户可能会选出另一个模型",
    ),
    "order helps": (
        "Order audit: shuffling each history lowers {metric} from {ordered} to {shuffled}, by "
        "{difference} (95 % interval {low} to {high}). The order of events helps this model here",
        "顺序检验：打乱每个用户的历史后，{metric} 从 {ordered} 降到 {shuffled}，下降 {difference}"
        "（95 % 区间 {low} 至 {high}）。事件顺序对该模型有帮助",
    ),
    "no effect": (
        "Order audit: shuffling each history changes {metric} from {ordered} to {shuffled}, by "
        "{difference} (95 % interval {low} to {high}), which holds 0. This log does not show that "
        "the order of events matters to this model",
        "顺序检验：打乱每个用户的历史后，{metric} 从 {ordered} 变为 {shuffled}，相差 {difference}"
        "（95 % 区间 {low} 至 {high}，包含 0）。该日志不能说明事件顺序对该模型有作用",
    ),
    "order hurts": (
        "Order audit: shuffling each history raises {metric} from {ordered} to {shuffled}; the "
        "difference is {difference} (95 % interval {low} to {high}). The order in this log "
        "misleads this model",
        "顺序检验：打乱每个用户的历史后，{metric} 从 {ordered} 升到 {shuffled}，差为 {difference}"
        "（95 % 区间 {low} 至 {high}）。该日志的顺序误导了该模型",
    ),
    "all in": ("All in all {seconds:second}", "总计 {seconds} 秒"),
    # Sections and labels of the report.
    "title": ("Report on {name}", "{name} 的报告"),
    "section data": ("Data card", "数据概况"),
    "section reading": ("How the log was read", "日志的读取方式"),
    "section leaks": ("What the split leaks", "划分的泄漏情况"),
    "section models": ("Models", "模型"),
    "section learning": ("Learning curve", "学习曲线"),
    "section slices": ("Where the winner is strong and weak", "优胜模型的强弱之处"),
    "section lists": ("Recommendation lists", "推荐列表"),
    "section order": ("Order audit", "顺序检验"),
    "section cost": ("Cost", "成本"),
    "section next": ("What to do next", "下一步"),
    "section command": ("Command", "命令"),
    "caption models": (
        "Ranking over the whole catalogue; ties count against the model; 95 % intervals over "
        "{users} test users",
        "在全部物品上排序；并列计为不利；95 % 区间来自 {users} 个测试用户",
    ),
    "model": ("model", "模型"),
    "options": ("options", "参数"),
    "validation": ("validation", "验证集"),
    "seconds": ("seconds", "秒"),
    "remark": ("remark", "备注"),
    "in the bundle": ("in bundle/", "已保存在 bundle/"),
    "assumed nothing": (
        "A known data set, read as its authors describe it",
        "已知数据集，按其作者的说明读取",
    ),
    "after": ("After", "历史"),
    "came": ("What came next: {item}", "实际的下一个：{item}"),
    "new item": ("an item that training never saw", "训练中没有的物品"),
    "no curve": ("No encoder was trained to the end", "没有完成编码器的训练"),
    "figure models": ("Test NDCG@10 of each model with its interval", "各模型的测试集 NDCG@10"),
    "figure learning": (
        "Validation NDCG@10 of {model} by epoch; the best is {score} after epoch {epoch}",
        "{model} 每轮之后的验证集 NDCG@10；最高为第 {epoch} 轮的 {score}",
    ),
    "figure by_length": (
        "Test NDCG@10 of the winner by length of the history: {values}",
        "优胜模型按历史长度的测试集 NDCG@10：{values}",
    ),
    "figure by_popularity": (
        "Test NDCG@10 of the winner by training events of the target: {values}",
        "优胜模型按目标物品训练事件数的测试集 NDCG@10：{values}",
    ),
    "figure lengths": ("How long the training histories are", "训练历史的长度分布"),
    "figure popularity": ("How training events spread over items", "训练事件在物品上的分布"),
    # What to do next.
    "next recommend": (
        "Ask the model in words: recmodels recommend {folder} --history ID,ID,ID",
        "试用模型：recmodels recommend {folder} --history ID,ID,ID",
    ),
    "next minutes": (
        "Give the encoder more time: its training was made smaller or left out",
        "给编码器更多时间：它的训练被缩减或跳过",
    ),
    "next order": (
        "Prefer a simple counted model: without an effect of order, a sequence model has nothing "
        "to learn that counting does not know",
        "优先使用简单的计数模型：若顺序没有作用，序列模型并不比计数模型多学到什么",
    ),
    "next leak": (
        "Measure under one cut in time as well (rm.temporal_cutoff): here {share} of the training "
        "events lie after the median target, which flatters every model",
        "再按统一时间点划分评估（rm.temporal_cutoff）：这里有 {share} 的训练事件发生在中位目标"
        "之后，会使所有模型显得更好",
    ),
    "next users": (
        "Collect more users before trusting small differences",
        "在相信微小差异之前，先收集更多用户",
    ),
}
# Labels of the data card and of the leak report.
FIELDS: dict[str, tuple[str, str]] = {
    "events": ("events", "事件"),
    "users": ("users", "用户"),
    "items": ("items", "物品"),
    "density": ("share of user-item pairs that occur", "出现过的用户-物品对占比"),
    "first": ("first day", "第一天"),
    "last": ("last day", "最后一天"),
    "lengths": ("events per user (percentiles)", "每用户事件数（百分位）"),
    "repeats": ("repeated events", "重复事件"),
    "repeated_last": ("users whose last item is a repeat", "最后一个物品为重复的用户"),
    "ties": ("events in the same second as the one before", "与前一事件同秒的事件"),
    "actions": ("events of each kind", "各类事件"),
    "train_events": ("training events", "训练事件"),
    "cases": ("test cases", "测试样本"),
    "future_share_median": (
        "training events after the median target",
        "中位目标之后的训练事件",
    ),
    "own_future_events": (
        "training events after the user's own target",
        "用户自身目标之后的训练事件",
    ),
    "ties_at_cut": (
        "targets in the same second as the event before",
        "与前一事件同秒的目标",
    ),
    "known_pairs": (
        "targets whose user has the item in training",
        "用户在训练中已有的目标",
    ),
    "cold_users": ("cases of users unknown to training", "训练中没有的用户"),
    "cold_targets": ("targets unknown to training", "训练中没有的目标"),
}
LANGUAGES = ("en", "zh")
# Texts inside figures: a pattern of the English text, and the Chinese one.
FIGURE_TEXTS: tuple[tuple[str, str], ...] = (
    (r"(.+), 95 % interval", r"\1，95 % 置信区间"),
    (r"ceiling (.+)", r"上限 \1"),
    (r"median (.+)", r"中位数 \1"),
    (r"(.+) of users have more than (.+) events", r"\1 的用户多于 \2 个事件"),
    (
        r"events per user \(the longest 1 % in the last bar\)",
        "每个用户的事件数（最长的 1 % 归入末尾）",
    ),
    (r"the top 10 % of items have (.+) of the events", r"前 10 % 的物品占 \1 的事件"),
    (r"item, from the most popular", "物品（按热度排序）"),
    (r"users", "用户"),
    (r"events", "事件"),
    (r"(?:history )?length", "历史长度"),
    (r"training events of the target", "目标物品的训练事件数"),
    (r"epoch", "轮次"),
    (r"seconds of tuning and training", "调参与训练的秒数"),
    (r"validation (.+)", r"验证集 \1"),
)


class _Template(string.Formatter):
    """Writes `{epochs:epoch}` as `1 epoch` or `2 epochs`."""

    def format_field(self, value, format_spec: str) -> str:
        return counted(value, format_spec) if format_spec else str(value)


def text(key: str, language: str = "en", **values) -> str:
    """A sentence with its values put in; what a terminal would obey is escaped.

    Example:
        >>> text("tuning", model="EASE")
        'Tuning EASE'
    """
    template = (TEXTS | FIELDS | FAMILY_TEXTS)[key][LANGUAGES.index(language)]
    return visible(_Template().vformat(template, (), values))


def translate_figure_text(english: str) -> str:
    """The Chinese form of a text inside a figure; names of models and metrics stay as they are."""
    for pattern, chinese in FIGURE_TEXTS:
        if re.fullmatch(pattern, english):
            return re.sub(pattern, chinese, english)
    return english


def language_of(texts: list[str]) -> str:
    """`"zh"` where most letters of the texts are Chinese, otherwise `"en"`."""
    letters = [letter for text in texts for letter in text if letter.isalpha()]
    chinese = sum("\u4e00" <= letter <= "\u9fff" for letter in letters)
    return "zh" if 2 * chinese > len(letters) else "en"
