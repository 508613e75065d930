"""Multi-head attention with a place for a gate. Shared by gated attention and view fusion."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from roadwork.model.attention import attention
from roadwork.model.head_config import Backend


class MultiHead(nn.Module):
    """W_o (gate ⊙ concat_heads attention(W_q queries, W_k context, W_v context)) (arXiv 1706.03762)."""

    def __init__(self, dim: int, heads: int, backend: Backend) -> None:
        super().__init__()
        self.heads = heads
        self.backend: Backend = backend
        self.q, self.k, self.v, self.out = (nn.Linear(dim, dim) for _ in range(4))

    def forward(
        self,
        queries: Float[Tensor, "image token dim"],
        context: Float[Tensor, "image other dim"],
        gate: Float[Tensor, "image token head channel"] | None = None,
    ) -> Float[Tensor, "image token dim"]:
        """One vector per query. `gate` multiplies what each head found; `channel` may be 1 (a gate per head)."""
        q, k, v = (
            project(x).unflatten(-1, (self.heads, -1))
            for project, x in ((self.q, queries), (self.k, context), (self.v, context))
        )
        found = attention(q, k, v, backend=self.backend)
        if gate is not None:
            found = found * gate
        return self.out(found.flatten(-2))
