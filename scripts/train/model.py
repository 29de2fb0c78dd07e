"""A Llama decoder for one CPU core: RMSNorm, RoPE (half-split), grouped-query attention, SwiGLU, tied embeddings.

Names and layouts of the tensors are Hugging Face's (LlamaForCausalLM), so that export.py only writes them down.
Boundary: no cache; training and evaluation run whole sequences. `window` masks what an evicting cache would have lost.
"""
from dataclasses import asdict, dataclass

import torch
from torch import nn
from torch.nn import functional as F

CHUNK = 128


@dataclass(frozen=True)
class Shape:
    vocab: int
    layers: int = 3
    hidden: int = 128
    intermediate: int = 256
    query_heads: int = 4
    kv_heads: int = 2
    head_dim: int = 32
    positions: int = 1024
    theta: float = 100000.0
    epsilon: float = 1e-5

    def as_dict(self):
        return asdict(self)


class RMSNorm(nn.Module):
    def __init__(self, width, epsilon):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.weight


def rope_tables(shape, tokens):
    """cos and sin, (tokens, head_dim / 2)."""
    exponents = torch.arange(0, shape.head_dim, 2, dtype=torch.float64) / shape.head_dim
    angles = torch.outer(torch.arange(tokens, dtype=torch.float64), shape.theta**-exponents)
    return angles.cos().float(), angles.sin().float()


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def attention_bias(first, last, window):
    """0 where row r, position first + r, sees a column of 0 … last - 1 (up to itself, `window` at most), else -inf."""
    rows, columns = torch.arange(first, last).unsqueeze(1), torch.arange(last).unsqueeze(0)
    hidden = columns > rows
    if window:
        hidden = hidden | (columns <= rows - window)
    return torch.zeros(hidden.shape).masked_fill(hidden, float("-inf"))


class Attention(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.q_proj = nn.Linear(shape.hidden, shape.query_heads * shape.head_dim, bias=False)
        self.k_proj = nn.Linear(shape.hidden, shape.kv_heads * shape.head_dim, bias=False)
        self.v_proj = nn.Linear(shape.hidden, shape.kv_heads * shape.head_dim, bias=False)
        self.o_proj = nn.Linear(shape.query_heads * shape.head_dim, shape.hidden, bias=False)

    def forward(self, x, cos, sin, window, watch):
        s, (batch, tokens, _) = self.shape, x.shape
        split = lambda y, heads: y.view(batch, tokens, heads, s.head_dim).transpose(1, 2)
        q = rotate(split(self.q_proj(x), s.query_heads), cos, sin) * s.head_dim**-0.5
        k = rotate(split(self.k_proj(x), s.kv_heads), cos, sin)
        v = split(self.v_proj(x), s.kv_heads)
        # Query head h reads key head h // groups: the rows of one group are laid side by side.
        groups = s.query_heads // s.kv_heads
        k, v = (y.repeat_interleave(groups, 1) for y in (k, v))
        outputs = []
        for first in range(0, tokens, CHUNK):
            last = min(first + CHUNK, tokens)
            scores = q[:, :, first:last] @ k[:, :, :last].transpose(-1, -2)
            # Added in place: a mask of its own would cost another pass over the scores, forward and backward.
            weights = scores.add_(attention_bias(first, last, window)).softmax(-1)
            if watch is not None:
                watch(first, weights)
            outputs.append(weights @ v[:, :, :last])
        return self.o_proj(torch.cat(outputs, 2).transpose(1, 2).reshape(batch, tokens, -1))


class Mlp(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden, shape.intermediate, bias=False)
        self.up_proj = nn.Linear(shape.hidden, shape.intermediate, bias=False)
        self.down_proj = nn.Linear(shape.intermediate, shape.hidden, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.self_attn = Attention(shape)
        self.mlp = Mlp(shape)
        self.input_layernorm = RMSNorm(shape.hidden, shape.epsilon)
        self.post_attention_layernorm = RMSNorm(shape.hidden, shape.epsilon)

    def forward(self, x, cos, sin, window, watch):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, window, watch)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocab, shape.hidden)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = RMSNorm(shape.hidden, shape.epsilon)
        self.initialise()

    def initialise(self):
        nn.init.normal_(self.embed_tokens.weight, std=0.1)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2 and "embed" not in name:
                shrink = (2 * self.shape.layers) ** -0.5 if name.endswith(("o_proj.weight", "down_proj.weight")) else 1.0
                nn.init.normal_(parameter, std=shrink * parameter.shape[1] ** -0.5)

    def hidden(self, ids, window=0, watch=None):
        """ids (batch, tokens) → (batch, tokens, hidden), normed. `watch(layer, first row, weights)` sees attention."""
        x = self.embed_tokens(ids)
        cos, sin = rope_tables(self.shape, ids.shape[1])
        for i, layer in enumerate(self.layers):
            seen = None if watch is None else (lambda first, weights, i=i: watch(i, first, weights))
            x = layer(x, cos, sin, window, seen)
        return self.norm(x)

    def logits(self, hidden):
        return hidden @ self.embed_tokens.weight.T
