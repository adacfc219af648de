"""SASRec in a plain PyTorch loop, padded to the full length or in length buckets.

    python pytorch_loop.py TASK.npz padded|buckets [bfloat16]

Written as one would write it by hand: fused attention, loss on real positions only, Adam.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from worker import answer


class Block(nn.Module):
    """The published block: the query comes from the normed stream, keys and values do not."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm_attention = nn.LayerNorm(width, eps=1e-8)
        self.norm_feed_forward = nn.LayerNorm(width, eps=1e-8)
        self.queries, self.output = nn.Linear(width, width), nn.Linear(width, width)
        self.memory = nn.Linear(width, 2 * width)
        self.inner, self.outer = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.drop = nn.Dropout(dropout)

    def forward(self, x, mask):
        """(B, T, D) and a mask (B, 1, T, T), True where a position may look, to (B, T, D)."""
        rows, length, width = x.shape

        def heads(part):
            return part.view(rows, length, self.heads, -1).transpose(1, 2)

        normed = self.norm_attention(x)
        keys, values = self.memory(x).chunk(2, dim=-1)
        mixed = F.scaled_dot_product_attention(
            heads(self.queries(normed)),
            heads(keys),
            heads(values),
            attn_mask=mask,
            dropout_p=self.dropout if self.training else 0.0,
        )
        mixed = mixed.transpose(1, 2).reshape(rows, length, width)
        x = self.norm_feed_forward(normed + self.drop(self.output(mixed)))
        return x + self.drop(self.outer(self.drop(F.relu(self.inner(x)))))


class SASRec(nn.Module):
    """Item and position vectors, blocks, a norm; the output is tied to the item vectors."""

    def __init__(self, task: dict) -> None:
        super().__init__()
        width, dropout = task["width"], task["dropout"]
        self.items = nn.Embedding(task["num_items"] + 1, width, padding_idx=0)
        self.places = nn.Embedding(task["max_length"], width)
        nn.init.normal_(self.items.weight, std=0.02)
        nn.init.normal_(self.places.weight, std=0.02)
        sizes = (width, task["num_heads"], task["hidden_width"], dropout)
        self.blocks = nn.ModuleList(Block(*sizes) for _ in range(task["num_blocks"]))
        self.drop, self.norm = nn.Dropout(dropout), nn.LayerNorm(width, eps=1e-8)

    def forward(self, item_ids):
        """Item ids (B, T), padded on the left with 0, to states (B, T, D)."""
        length = item_ids.shape[1]
        places = self.places.weight[-length:]
        x = self.drop(self.items(item_ids) * self.items.embedding_dim**0.5 + places)
        steps = torch.arange(length)
        before = steps[:, None] >= steps[None]
        # A padded position sees itself, so that no row of the softmax is empty.
        seen = (item_ids != 0)[:, None, None] | torch.eye(length, dtype=torch.bool)
        for block in self.blocks:
            x = block(x, before & seen)
        return self.norm(x)


def make_batches(task: dict, arrays, layout: str, rng: np.random.Generator):
    """Item ids (B, T) and the items that follow, 0 where nothing does."""
    starts, ends = arrays["starts"], arrays["ends"]
    bounds = np.array(task["bounds"] if layout == "buckets" else [task["max_length"]])
    bucket = np.searchsorted(bounds, ends - starts - 1)
    plan = []
    for place, bound in enumerate(bounds):
        rows = rng.permutation(np.flatnonzero(bucket == place))
        size = task["batch_size"] * task["max_length"] // bound
        plan += [(bound, rows[i : i + size]) for i in range(0, len(rows), size)]
    for place in rng.permutation(len(plan)):
        length, rows = plan[place]
        item_ids = np.zeros((len(rows), length), np.int64)
        following = np.zeros_like(item_ids)
        for row, (start, end) in enumerate(zip(starts[rows], ends[rows], strict=True)):
            item_ids[row, length - (end - start - 1) :] = arrays["items"][start : end - 1]
            following[row, length - (end - start - 1) :] = arrays["items"][start + 1 : end]
        yield torch.from_numpy(item_ids), torch.from_numpy(following)


def loss_of(model: SASRec, states, targets, negatives: int):
    """Cross-entropy over the catalogue, or against shared uniform negatives with logQ."""
    table = model.items.weight
    if not negatives:
        return F.cross_entropy(states @ table[1:].T, targets - 1)
    drawn = torch.randint(1, len(table), (negatives,))
    logits = states @ table[drawn].T - np.log(negatives / (len(table) - 1))
    logits = logits.masked_fill(drawn[None] == targets[:, None], -1e9)
    target_logit = (states * table[targets]).sum(-1, keepdim=True)
    everything = torch.cat([target_logit, logits], dim=1)
    return F.cross_entropy(everything, torch.zeros(len(targets), dtype=torch.long))


def main() -> None:
    """Train an epoch whenever asked."""
    arrays = np.load(Path(sys.argv[1]))
    task, layout = json.loads(str(arrays["task"])), sys.argv[2]
    arrays = {name: arrays[name] for name in ("items", "starts", "ends")}
    halved = sys.argv[3:] == ["bfloat16"]
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    model = SASRec(task)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.98))

    def run_epoch() -> dict:
        model.train()
        positions = 0
        for item_ids, following in make_batches(task, arrays, layout, rng):
            real = following != 0
            with torch.autocast("cpu", torch.bfloat16, enabled=halved):
                states = model(item_ids)[real]
                loss = loss_of(model, states, following[real], task["num_negatives"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            positions += int(real.sum())
        return {"positions": positions}

    answer(run_epoch)


if __name__ == "__main__":
    main()
