"""Markdown tables and their cells."""

from collections.abc import Callable


def markdown_lines(rows: list[dict], columns: dict[str, Callable]) -> str:
    """A Markdown table: the text of each cell of a row by the title of its column."""
    cells = [[text(row) for text in columns.values()] for row in rows]
    lines = [list(columns), ["---"] * len(columns), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def pair(metrics: dict) -> str:
    """NDCG@10 and HR@10, of published numbers or of measures with intervals."""
    metrics = {n: m["mean"] if isinstance(m, dict) else m for n, m in metrics.items()}
    return " / ".join(f"{metrics[m]:.4f}" for m in ("ndcg@10", "hr@10") if m in metrics) or "-"


def cell(metric: dict) -> str:
    """A mean with its interval."""
    return f"{metric['mean']:.4f} ({metric['low']:.4f} to {metric['high']:.4f})"


def difference_cell(compared: dict | None) -> str:
    """A difference from a baseline with its interval and corrected p-value."""
    if compared is None:
        return "-"
    return f"{cell({**compared, 'mean': compared['difference']})}, {compared['p_holm']:.4f}"
