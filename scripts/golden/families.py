"""Logits of one small model of each family, from PyTorch in float64; written apart from the engine, after the papers and
the field names of transformers.

    python3 scripts/golden/families.py > tests/golden/families.json

Weights are a formula of the tensor's name and the element's number, so that no file of weights is needed.
"""
import json
import math

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
IDS = [3, 17, 5, 30, 5, 9, 22, 1, 14]


def weight(name, *shape, centre=0.0):
    """Multiples of 2^-16 in [-1/2, 1/2), scrambled; around `centre`."""
    name_hash = 2166136261
    for byte in name.encode():
        name_hash = (name_hash ^ byte) * 16777619 % 2**32
    count = math.prod(shape)
    mask = np.uint64(0xFFFFFFFF)
    u = np.uint64(name_hash) ^ (np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B1) & mask)
    u = (u ^ (u >> np.uint64(15))) * np.uint64(0x85EBCA6B) & mask
    u = u ^ (u >> np.uint64(13))
    values = (u >> np.uint64(16)).astype(np.float64) / 65536 - 0.5
    return torch.from_numpy(values + centre).reshape(shape)


def linear(name, x, out, bias):
    y = x @ weight(f"{name}.weight", out, x.shape[-1]).T
    return y + weight(f"{name}.bias", out) if bias else y


def rms(name, x, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight(f"{name}.weight", x.shape[-1], centre=1.0)


def layer_norm(name, x, eps=1e-5):
    width = x.shape[-1]
    return F.layer_norm(x, (width,), weight(f"{name}.weight", width, centre=1.0), weight(f"{name}.bias", width), eps)


def inverse_frequencies(dim, theta, scaling, max_positions):
    inv = 1.0 / (theta ** (torch.arange(0, dim, 2) / dim))
    kind = (scaling or {}).get("rope_type")
    if kind == "llama3":
        wavelength = 2 * math.pi / inv
        old = scaling["original_max_position_embeddings"]
        low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
        smooth = (old / wavelength - low) / (high - low)
        between = (1 - smooth) * inv / scaling["factor"] + smooth * inv
        scaled = torch.where(wavelength > old / low, inv / scaling["factor"], between)
        return torch.where(wavelength < old / high, inv, scaled), 1.0
    if kind == "yarn":
        old = scaling.get("original_max_position_embeddings", max_positions)

        def dimension(rotations):
            return dim * math.log(old / (rotations * 2 * math.pi)) / (2 * math.log(theta))

        low = max(math.floor(dimension(32)), 0)
        high = min(math.ceil(dimension(1)), dim - 1)
        ramp = torch.clamp((torch.arange(dim // 2) - low) / max(high - low, 0.001), 0, 1)
        return inv / scaling["factor"] * ramp + inv * (1 - ramp), 0.1 * math.log(scaling["factor"]) + 1.0
    if kind == "linear":
        return inv / scaling["factor"], 1.0
    return inv, 1.0


def rotate(x, inv, magnitude):
    """x [positions][heads][dim]: the first half of the turned channels with the second."""
    dim = 2 * len(inv)
    angles = torch.arange(x.shape[0])[:, None] * inv[None, :]
    angles = torch.cat([angles, angles], -1)[:, None, :]
    turned, passed = x[..., :dim], x[..., dim:]
    swapped = torch.cat([-turned[..., dim // 2 :], turned[..., : dim // 2]], -1)
    return torch.cat([(turned * angles.cos() + swapped * angles.sin()) * magnitude, passed], -1)


def attend(q, k, v, window=None):
    """q [positions][heads][dim], k and v with fewer heads; causal, over the newest `window` positions."""
    n, heads, dim = q.shape
    k = k.repeat_interleave(heads // k.shape[1], 1)
    v = v.repeat_interleave(heads // v.shape[1], 1)
    scores = torch.einsum("ihd,jhd->hij", q, k) / math.sqrt(dim)
    distance = torch.arange(n)[:, None] - torch.arange(n)[None, :]
    hidden = distance < 0
    if window:
        hidden = hidden | (distance >= window)
    scores = scores.masked_fill(hidden, float("-inf"))
    return torch.einsum("hij,jhd->ihd", scores.softmax(-1), v).reshape(n, heads * dim)


def llama_shaped(c, qkv_bias=False, qk_norm=False, window=None):
    heads, kv = c["num_attention_heads"], c["num_key_value_heads"]
    hidden, eps = c["hidden_size"], c["rms_norm_eps"]
    dim = c.get("head_dim", hidden // heads)
    table = weight("model.embed_tokens.weight", c["vocab_size"], hidden)
    inv, magnitude = inverse_frequencies(
        dim, c.get("rope_theta", 10000.0), c.get("rope_scaling"), c["max_position_embeddings"]
    )
    x = table[torch.tensor(IDS)]
    for layer in range(c["num_hidden_layers"]):
        at = f"model.layers.{layer}"
        h = rms(f"{at}.input_layernorm", x, eps)
        q = linear(f"{at}.self_attn.q_proj", h, heads * dim, qkv_bias).view(-1, heads, dim)
        k = linear(f"{at}.self_attn.k_proj", h, kv * dim, qkv_bias).view(-1, kv, dim)
        v = linear(f"{at}.self_attn.v_proj", h, kv * dim, qkv_bias).view(-1, kv, dim)
        if qk_norm:
            q = rms(f"{at}.self_attn.q_norm", q, eps)
            k = rms(f"{at}.self_attn.k_norm", k, eps)
        out = attend(rotate(q, inv, magnitude), rotate(k, inv, magnitude), v, window)
        x = x + linear(f"{at}.self_attn.o_proj", out, hidden, False)
        h = rms(f"{at}.post_attention_layernorm", x, eps)
        inner = c["intermediate_size"]
        gate = F.silu(linear(f"{at}.mlp.gate_proj", h, inner, False))
        x = x + linear(f"{at}.mlp.down_proj", gate * linear(f"{at}.mlp.up_proj", h, inner, False), hidden, False)
    x = rms("model.norm", x, eps)
    head = table if c["tie_word_embeddings"] else weight("lm_head.weight", c["vocab_size"], hidden)
    return x @ head.T


def gpt2(c):
    hidden, heads = c["n_embd"], c["n_head"]
    dim = hidden // heads

    def conv1d(name, x, out):
        return x @ weight(f"{name}.weight", x.shape[-1], out) + weight(f"{name}.bias", out)

    def gelu_new(x):
        return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))

    table = weight("transformer.wte.weight", c["vocab_size"], hidden)
    x = table[torch.tensor(IDS)] + weight("transformer.wpe.weight", c["n_positions"], hidden)[: len(IDS)]
    for layer in range(c["n_layer"]):
        at = f"transformer.h.{layer}"
        q, k, v = conv1d(f"{at}.attn.c_attn", layer_norm(f"{at}.ln_1", x), 3 * hidden).split(hidden, -1)
        out = attend(*(part.reshape(-1, heads, dim) for part in (q, k, v)))
        x = x + conv1d(f"{at}.attn.c_proj", out, hidden)
        inner = gelu_new(conv1d(f"{at}.mlp.c_fc", layer_norm(f"{at}.ln_2", x), 4 * hidden))
        x = x + conv1d(f"{at}.mlp.c_proj", inner, hidden)
    return layer_norm("transformer.ln_f", x) @ table.T


def opt(c):
    hidden, heads = c["hidden_size"], c["num_attention_heads"]
    dim = hidden // heads
    table = weight("model.decoder.embed_tokens.weight", c["vocab_size"], hidden)
    positions = weight("model.decoder.embed_positions.weight", c["max_position_embeddings"] + 2, hidden)
    x = table[torch.tensor(IDS)] + positions[2 : 2 + len(IDS)]
    for layer in range(c["num_hidden_layers"]):
        at = f"model.decoder.layers.{layer}"
        h = layer_norm(f"{at}.self_attn_layer_norm", x)
        q, k, v = (linear(f"{at}.self_attn.{p}_proj", h, hidden, True).view(-1, heads, dim) for p in "qkv")
        x = x + linear(f"{at}.self_attn.out_proj", attend(q, k, v), hidden, True)
        h = layer_norm(f"{at}.final_layer_norm", x)
        x = x + linear(f"{at}.fc2", F.relu(linear(f"{at}.fc1", h, c["ffn_dim"], True)), hidden, True)
    return layer_norm("model.decoder.final_layer_norm", x) @ table.T


def phi(c):
    hidden, heads = c["hidden_size"], c["num_attention_heads"]
    dim = hidden // heads
    inv, magnitude = inverse_frequencies(int(dim * c["partial_rotary_factor"]), 10000.0, None, 0)
    x = weight("model.embed_tokens.weight", c["vocab_size"], hidden)[torch.tensor(IDS)]
    for layer in range(c["num_hidden_layers"]):
        at = f"model.layers.{layer}"
        h = layer_norm(f"{at}.input_layernorm", x)
        q, k, v = (linear(f"{at}.self_attn.{p}_proj", h, hidden, True).view(-1, heads, dim) for p in "qkv")
        out = attend(rotate(q, inv, magnitude), rotate(k, inv, magnitude), v)
        attended = linear(f"{at}.self_attn.dense", out, hidden, True)
        inner = F.gelu(linear(f"{at}.mlp.fc1", h, c["intermediate_size"], True))
        x = x + attended + linear(f"{at}.mlp.fc2", inner, hidden, True)
    return linear("lm_head", layer_norm("model.final_layernorm", x), c["vocab_size"], True)


LLAMA = dict(
    model_type="llama",
    hidden_size=16,
    intermediate_size=24,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    vocab_size=32,
    max_position_embeddings=64,
    rms_norm_eps=1e-5,
    hidden_act="silu",
    tie_word_embeddings=False,
)
LLAMA3 = dict(
    rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16
)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16)
PLAIN = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, vocab_size=32, max_position_embeddings=64)

CASES = {
    "llama": (llama_shaped, LLAMA, {}),
    "llama, scaled as Llama 3.1": (llama_shaped, {**LLAMA, "head_dim": 16, "rope_scaling": LLAMA3}, {}),
    "llama, scaled linearly": (llama_shaped, {**LLAMA, "rope_scaling": dict(rope_type="linear", factor=2.0)}, {}),
    "llama, scaled by YaRN": (llama_shaped, {**LLAMA, "head_dim": 32, "rope_scaling": YARN}, {}),
    "mistral": (llama_shaped, {**LLAMA, "model_type": "mistral", "sliding_window": 3}, {"window": 3}),
    "qwen2": (llama_shaped, {**LLAMA, "model_type": "qwen2", "tie_word_embeddings": True}, {"qkv_bias": True}),
    "qwen3": (llama_shaped, {**LLAMA, "model_type": "qwen3", "head_dim": 8}, {"qk_norm": True}),
    "gpt2": (gpt2, dict(model_type="gpt2", n_embd=16, n_head=2, n_layer=2, n_positions=64, vocab_size=32), {}),
    "opt": (opt, dict(model_type="opt", ffn_dim=24, **PLAIN), {}),
    "phi": (
        phi,
        # Exact GELU, to tell it from GPT-2's.
        dict(model_type="phi", intermediate_size=24, partial_rotary_factor=0.5, hidden_act="gelu", **PLAIN),
        {},
    ),
}

models = [
    dict(name=name, config=config, logits=[[round(x, 10) for x in row] for row in run(config, **options)[-2:].tolist()])
    for name, (run, config, options) in CASES.items()
]
print(json.dumps({"command": "python3 scripts/golden/families.py", "torch": torch.__version__, "ids": IDS, "models": models}))
