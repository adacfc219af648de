"""Guess the roles of the columns of a table by common names."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from recmodels.data.errors import require

# Compared without case, spaces, dots, hyphens and underscores. English and Chinese.
_NAMES = {
    "user": (
        "user userid uid userno usercode customer customerid customerno client clientid "
        "visitor visitorid person personid member memberid buyer buyerid reviewer reviewerid "
        "用户 用户id 用户编号 用户号 客户 客户id 客户编号 会员 会员id 会员编号 顾客 顾客id "
        "买家 买家id"
    ),
    "item": (
        "item itemid iid sku skuid product productid productcode asin goods goodsid article "
        "articleid content contentid movie movieid book bookid track trackid song songid "
        "video videoid news newsid 商品 商品id 商品编号 商品编码 物品 物品id 产品 产品id "
        "产品编号 货品 货品id 电影 电影id 文章 文章id 视频 视频id"
    ),
    "timestamp": (
        "timestamp time ts datetime date eventtime eventtimestamp unixtime unixtimestamp "
        "createdat 时间 时间戳 日期 行为时间 点击时间 下单时间 浏览时间"
    ),
    "action": (
        "action actiontype event eventtype behavior behaviour behaviortype behaviourtype 行为 "
        "行为类型 动作 操作 操作类型 事件 事件类型"
    ),
    "duration": (
        "duration dwell dwelltime watchtime playtime 停留时长 停留时间 时长 播放时长 观看时长 "
        "浏览时长"
    ),
    "value": "value rating score stars 评分 打分 分数 星级",
}
USUAL_NAMES = {role: names.split() for role, names in _NAMES.items()}
NOTHING: Mapping[str, str] = MappingProxyType({})
REQUIRED = ("user", "item")


def guess_columns(
    columns: Iterable[str], named: Mapping[str, str] = NOTHING, skip: Iterable[str] = ()
) -> dict[str, str]:
    """Return the columns with a common name, by role.

    Args:
        columns: names as they are written in the file.
        named: columns that are known already, by role.
        skip: roles for which no column is guessed, such as `["timestamp"]`.

    Returns:
        A name in the file for `user` and `item`, and for those of `timestamp`, `action`,
        `duration` and `value` that are found.

    Raises:
        ValueError: no column, or more than one, could be one of them.

    Example:
        >>> guess_columns(["uid", "商品编号", "price"])
        {'user': 'uid', 'item': '商品编号'}
    """
    columns = list(columns)
    free = [column for column in columns if column not in named.values()]
    guessed = dict(named)
    for role, names in USUAL_NAMES.items():
        if role in named or role in skip:
            continue
        candidates = [column for column in free if _plain(column) in names]
        say = f"say which, with {role}='...'"
        several = f"The `{role}` column could be any of {candidates}: {say}; with both `user` and "
        several += "`item` named nothing is guessed"
        require(len(candidates) < 2, several, columns=columns)
        none = f"No column has a usual name for `{role}`: {say}. The first row of the file must "
        none += "hold the names"
        require(candidates or role not in REQUIRED, none, columns=columns)
        if candidates:
            guessed[role] = candidates[0]
    return {role: guessed[role] for role in USUAL_NAMES if role in guessed}


def _plain(name: str) -> str:
    return re.sub(r"[\s._\-]", "", str(name)).lower()
