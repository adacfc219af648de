"""Checks of the exercises of notebook 23, beyond one machine."""

import numpy as np

from recmodels.course.checking import call, exercise, expect, expect_close, numbers, whole_numbers
from recmodels.scale.pandas_engine import shard_of


@exercise("23.1", "a raw id and the number of shards")
def check_shard(answer) -> None:
    """Shard of a user by the MD5 of the id."""
    users = ["u7", 12, "café", "日本", "0012", -3, "Ann Lee"]
    for shards in (1, 8, 1000):
        for user in users:
            found = int(numbers(call(answer, user, shards), (), "Return one whole number."))
            expect(0 <= found < shards, f"A shard of {shards} is a number from 0 to {shards - 1}.")
            whole = shard_of(user, 2**128)  # The first eight digits alone.
            text = f"{whole:08x}"
            expect(
                found != int(text[:4], 16) % shards or found == whole % shards,
                "Use the first eight hexadecimal digits, not fewer.",
            )
            expect(
                found == whole % shards,
                f"The shard of {user!r} among {shards} is {whole % shards}: take the first eight "
                "hexadecimal digits of the MD5 of the id as UTF-8, modulo the shards.",
            )


@exercise("23.2", "gradients (P, D) and counts (P,)")
def check_sum(answer) -> None:
    """Gradient of a batch from those of its parts."""
    gradients = np.array([[1.0, -2.0], [4.0, 0.5], [np.nan, np.nan], [-3.0, 2.5]])
    counts = np.array([4, 2, 0, 1])
    returned = numbers(call(answer, gradients[:2], counts[:2]), (2,), "Return one gradient, (D,).")
    total = counts[:2] @ gradients[:2]
    mistakes = {
        "Each part must count as often as it has positions; this is a plain mean.": (
            gradients[:2].mean(axis=0)
        ),
        "Divide by the number of positions: the loss is a mean.": total,
        "Divide by the number of positions, not by the number of parts.": total / 2,
        "The gradients are added, but they must be weighted.": gradients[:2].sum(axis=0),
    }
    expect_close(returned, total / 6, "The gradient is wrong.", mistakes)
    some = counts > 0
    returned = call(answer, gradients, counts)
    right = counts[some] @ gradients[some] / counts.sum()
    reason = "A part without positions must be left out: 0 times NaN is NaN."
    expect(np.isfinite(np.asarray(returned, float)).all(), reason)
    reason = "It is wrong where a part has no positions: leave it out."
    expect_close(numbers(returned, (2,)), right, reason)


@exercise("23.3", "item ids (P, n), scores (P, n) and k")
def check_merge(answer) -> None:
    """Exact best items from the best of each part."""
    item_ids = np.array([[3, 1, 2], [12, 11, 15], [27, 21, 20]])
    scores = np.array([[0.9, 0.5, 0.1], [0.8, 0.7, 0.6], [0.95, 0.2, 0.15]])
    returned = whole_numbers(call(answer, item_ids, scores, 4))
    expect(len(returned) == 4, "Return k ids.")
    expect(returned != [2, 20, 21, 1], "These are the worst items; take the highest scores.")
    expect(returned != [6, 0, 3, 4], "Return ids, not places.")
    expect(returned != [11, 12, 3, 27], "Return the best first, not last.")
    expect(
        returned == [27, 3, 12, 11],
        f"The best four are [27, 3, 12, 11], wherever they are. You returned {returned}.",
    )
    tied = np.array([[0.5, 0.5, 0.1], [0.5, 0.4, 0.4], [0.9, 0.5, 0.4]])
    returned = whole_numbers(call(answer, item_ids[::-1], tied[::-1], 5))
    expect(
        returned == [27, 1, 3, 12, 21],
        "Among equal scores the smaller id comes first, whatever part it is in.",
    )
