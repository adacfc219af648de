"""The evaluation protocol, which belongs to the data and is recorded with every result."""

from dataclasses import asdict, dataclass

COLD_TARGETS = ("miss", "score")


@dataclass(frozen=True)
class Protocol:
    """The evaluation choices in which two results must agree to be comparable.

    Args:
        filter_seen: whether everything in a user's history leaves the list. A target that this
            removes is a miss. False for logs in which people return to items.
        cold_targets: `"miss"`, so that a target without a training event is a miss for every
            model, or `"score"`, so that models that know such items, by their texts say, may
            rank them.
        choose_by: the metric over the validation queries that chooses among epochs and models.
        split: name of the split; set by `prepare`.
        asked: columns of the target event that queries have, such as `("action",)`; set by
            `prepare` from the schema. With more information models rank better, so results with and
            without are not comparable.
        query_time: whether queries are asked at the time of their target, as when a user is
            known to have come back. By default they are asked at the time of the last event
            known. Results with and without are not comparable, and the time until the next
            event is not measured with it.

    Raises:
        ValueError: a choice is of the wrong type, or unknown.

    Example:
        >>> data = prepare(leave_one_out(log), protocol=Protocol(filter_seen=False))
        >>> evaluate(model, data.test).protocol.filter_seen
        False
    """

    filter_seen: bool = True
    cold_targets: str = "miss"
    choose_by: str = "ndcg@10"
    split: str = ""
    asked: tuple[str, ...] = ()
    query_time: bool = False

    def __post_init__(self) -> None:
        for name in ("filter_seen", "query_time"):
            value = getattr(self, name)
            if not isinstance(value, bool):
                raise ValueError(f"`{name}` must be True or False. Received: {name}={value!r}")
        if self.cold_targets not in COLD_TARGETS:
            raise ValueError(
                f"`cold_targets` must be one of {COLD_TARGETS}. "
                f"Received: cold_targets={self.cold_targets!r}"
            )

    def to_dict(self) -> dict:
        """Return the fields of a stored result; `asked` only if queries have such columns."""
        return {name: value for name, value in asdict(self).items() if value != ()}


DEFAULT_PROTOCOL = Protocol()
