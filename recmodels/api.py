"""The few calls most users need, each a thin join of the folders below."""

from pathlib import Path

from recmodels.evaluation.metrics import ndcg
from recmodels.evaluation.ranking import rank
from recmodels.features.batches import NextItemBatches
from recmodels.features.negatives import NegativeSampler
from recmodels.features.sequences import SequenceData
from recmodels.models.sequence_encoder import SequenceEncoder
from recmodels.tasks.next_item import NextItem
from recmodels.training.curve import LearningCurve
from recmodels.training.fit import Training
from recmodels.training.fit import fit as fit_task


def fit(
    model: SequenceEncoder,
    data: SequenceData,
    *,
    loss: str = "full_softmax",
    filter_seen: bool = True,
    batch_size: int = 16,
    windows: str = "all",
    num_negatives: int = 256,
    checkpoint: str | Path | None = None,
    verbose: bool = True,
    **training,
) -> LearningCurve:
    """Train a sequence encoder to name the next item; the best weights stay in it.

    The best epoch is the one with the highest NDCG@10 over the validation queries.

    Args:
        model: such as `SASRec`.
        data: from `prepare`.
        loss: `"full_softmax"`, `"sampled_softmax"`, `"bce"` or `"gbce"`.
        filter_seen: whether validation hides what a user already has, as the final test will.
        batch_size: histories of full length a step.
        windows: `"all"` trains on every event, `"latest"` on the newest window of each user, as
            published code does.
        num_negatives: K of the sampled losses. `"bce"` with one draws it for each position,
            otherwise groups of positions share theirs.
        checkpoint: file to continue from after a kill.
        verbose: whether a line an epoch goes to standard error.
        **training: fields of `Training`: `epochs`, `learning_rate`, `patience`, `seed`, ...

    Returns:
        The learning curve.

    Example:
        >>> data = prepare(leave_one_out(load("shop")))
        >>> model = SASRec(data.num_items, max_length=50)
        >>> curve = fit(model, data, epochs=20, filter_seen=False)
    """
    settings = Training(**training)
    sampler = None
    if loss != "full_softmax":
        sampler = NegativeSampler(data.train.item_counts(data.num_items)[1:], num_negatives)
    batches = NextItemBatches(
        data.train,
        model.max_length,
        batch_size,
        settings.seed,
        windows=windows,
        negatives=sampler,
        shared_negatives=num_negatives > 1,
    )
    return fit_task(
        NextItem(model, loss),
        batches,
        settings,
        measure=lambda: validation_ndcg(model, data, filter_seen),
        measure_name="ndcg@10",
        checkpoint=None if checkpoint is None else Path(checkpoint),
        verbose=verbose,
    )


def validation_ndcg(model, data: SequenceData, filter_seen: bool) -> float:
    """Mean NDCG@10 over the validation queries: what choices are made by."""
    ranks = rank(model, data.validation, filter_seen=filter_seen).ranks
    return float(ndcg(ranks, 10).mean())
