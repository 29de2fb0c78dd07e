"""Write a checkpoint in the files that the page, the engine and Hugging Face's libraries read.

`python3 scripts/train/export.py --from out/train --to public/models/ledger-485k`, then evaluate.py, which judges the
written bytes. The weights are rounded to float16 (1 MB). Boundary: no number is judged here.
"""
import argparse
import json
import struct
from pathlib import Path

import numpy
import torch

from data import TOKENS
from model import Decoder, Shape
from train import SEED, STAGES

NAME = "ledger-485k"


def safetensors(tensors):
    """The format's bytes: length of the header, JSON header padded to eight bytes, the tensors one behind the other."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": "F16", "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(array.tobytes() for array in tensors.values())


def config_of(shape):
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": TOKENS.index("<s>"),
        "eos_token_id": TOKENS.index("</s>"),
        "head_dim": shape.head_dim,
        "hidden_act": "silu",
        "hidden_size": shape.hidden,
        "initializer_range": 0.1,
        "intermediate_size": shape.intermediate,
        "max_position_embeddings": shape.positions,
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": shape.query_heads,
        "num_hidden_layers": shape.layers,
        "num_key_value_heads": shape.kv_heads,
        "pad_token_id": TOKENS.index("<pad>"),
        "rms_norm_eps": shape.epsilon,
        "rope_scaling": None,
        "rope_theta": shape.theta,
        "tie_word_embeddings": True,
        "torch_dtype": "float16",
        "use_cache": True,
        "vocab_size": shape.vocab,
    }


def special(token):
    return {"id": TOKENS.index(token), "content": token, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": False, "special": True}  # fmt: skip


SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")


def tokenizer():
    """Whole words. As WordPiece without a single piece, because not every library reads WordLevel."""
    begin = {"SpecialToken": {"id": "<s>", "type_id": 0}}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [special(token) for token in SPECIAL],
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [begin, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [begin, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [TOKENS.index("<s>")], "tokens": ["<s>"]}},
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": False},
        "model": {
            "type": "WordPiece",
            "unk_token": "<unk>",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 32,
            "vocab": {token: i for i, token in enumerate(TOKENS)},
        },
    }


def tokenizer_config(shape):
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "clean_up_tokenization_spaces": False,
        "model_max_length": shape.positions,
    }


def sampled(log, every):
    """The loss curve, each point the mean of `every` steps."""
    mean = lambda rows, key: round(sum(r[key] for r in rows) / len(rows), 4) if rows else None
    points = []
    for end in range(every, len(log) + 1, every):
        rows = log[end - every : end]
        known = lambda key: [r for r in rows if r[key] is not None and r[key] == r[key]]
        points.append({
            "step": rows[-1]["step"],
            "stage": rows[-1]["stage"],
            **{key: mean(known(key), key) for key in ("answerLoss", "proseLoss", "right")},
        })  # fmt: skip
    return points


def card(shape, parameters, saved):
    stages = [{"name": s.name, "steps": s.steps, "tokens": s.tokens, "batch": s.batch, "mix": s.mix,
               "learningRate": list(s.rates)} for s in STAGES]  # fmt: skip
    return {
        "name": NAME,
        "about": "Trained for this page on sequences that a script makes from a seed: facts to recall, a small grammar "
        "with agreement over a distance, copying. It knows nothing else.",
        "licence": "MIT",
        "parameters": parameters,
        "shape": shape.as_dict(),
        "data": "scripts/train/data.py",
        "seed": SEED,
        "steps": saved["step"],
        "tokensSeen": tokens_seen(saved["step"]),
        "stages": stages,
        "lossCurve": sampled(saved["log"], 50),
    }


def tokens_seen(steps):
    total = 0
    for stage in STAGES:
        taken = min(steps, stage.steps)
        total += taken * stage.tokens * stage.batch
        steps -= taken
    return total


def hugging_face_names(model):
    for name, tensor in model.state_dict().items():
        yield f"model.{name}", tensor.to(torch.float16).contiguous().numpy().astype(numpy.float16)


def write(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def export(source, target):
    saved = torch.load(source / "checkpoint.pt")
    shape = Shape(vocab=len(TOKENS))
    model = Decoder(shape)
    model.load_state_dict(saved["model"])
    target.mkdir(parents=True, exist_ok=True)
    (target / "model.safetensors").write_bytes(safetensors(dict(hugging_face_names(model))))
    bos, eos, pad = (TOKENS.index(token) for token in ("<s>", "</s>", "<pad>"))
    write(target / "config.json", config_of(shape))
    write(target / "generation_config.json", {"bos_token_id": bos, "eos_token_id": eos, "pad_token_id": pad})
    write(target / "tokenizer.json", tokenizer())
    write(target / "tokenizer_config.json", tokenizer_config(shape))
    special_map = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    write(target / "special_tokens_map.json", special_map)
    write(target / "card.json", card(shape, sum(p.numel() for p in model.parameters()), saved))


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--from", dest="source", type=Path, default=Path("out/train"))
    arguments.add_argument("--to", dest="target", type=Path, default=Path("public/models") / NAME)
    options = arguments.parse_args()
    export(options.source, options.target)
