"""Judge the exported model and add `evaluation` to its card.json.

`OMP_NUM_THREADS=1 python3 scripts/train/evaluate.py --model public/models/ledger-485k`
Recall by distance with every token in view and with a plain window in every layer (what an evicting cache keeps),
copying, held-out prose (perplexity, agreement, homes), and the attention that the first four tokens draw, head by head. Tasks come from
seeds that training never used, drawn as src/core/workload/recall.ts draws them. Intervals are Wilson's, 95 %.
Boundary: evaluates in float32 on the float16 weights of the file.
"""
import argparse
import json
import math
import struct
from pathlib import Path

import numpy
import torch
from torch.nn import functional as F

from data import ACTS, CITIES, NUMBERS, RESTS, held_out_text, recall_task, repeat
from model import Decoder, Shape
from rng import Random

SEED = 7
DISTANCES = (8, 16, 32, 64, 96, 128, 192, 256, 320, 384, 448, 500)
WINDOWS = (64, 128, 256)
CONTEXT = 512
LONG_DISTANCES = (512, 640, 768, 896, 1000)
LONG_CONTEXT = 1024
BATCH = 20


def load(folder):
    """A Decoder from config.json and model.safetensors."""
    config = json.loads((folder / "config.json").read_text())
    shape = Shape(
        vocab=config["vocab_size"], layers=config["num_hidden_layers"], hidden=config["hidden_size"],
        intermediate=config["intermediate_size"], query_heads=config["num_attention_heads"],
        kv_heads=config["num_key_value_heads"], head_dim=config["head_dim"],
        positions=config["max_position_embeddings"], theta=config["rope_theta"], epsilon=config["rms_norm_eps"],
    )  # fmt: skip
    data = (folder / "model.safetensors").read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    state = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name == "__metadata__":
            continue
        first, last = (8 + length + offset for offset in entry["data_offsets"])
        array = numpy.frombuffer(data[first:last], dtype=numpy.float16).astype(numpy.float32)
        state[name.removeprefix("model.")] = torch.from_numpy(array.reshape(entry["shape"]))
    model = Decoder(shape)
    model.load_state_dict(state)
    return model


def wilson(right, total):
    """95 % interval of a share."""
    z, p = 1.959964, right / total
    middle, spread = p + z * z / (2 * total), z * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return [round((middle + sign * spread) / (1 + z * z / total), 4) for sign in (-1, 1)]


def share(right, total):
    return {"right": right, "total": total, "share": round(right / total, 4), "interval": wilson(right, total)}


def recall(model, distance, window, count, context=CONTEXT):
    """Answers that are the most probable of all tokens, over `count` tasks at depths 0, ¼ … 1."""
    tasks = [recall_task(Random(SEED + i), distance, i % 5 / 4, context) for i in range(count)]
    tasks.sort(key=lambda task: len(task["ids"]))
    right = 0
    for first in range(0, count, BATCH):
        rows = tasks[first : first + BATCH]
        # Causal attention never looks ahead, so what pads the end changes nothing.
        longest = max(len(task["ids"]) for task in rows)
        ids = torch.tensor([task["ids"] + [0] * (longest - len(task["ids"])) for task in rows])
        ends = torch.tensor([len(task["ids"]) - 1 for task in rows])
        hidden = model.hidden(ids, window)[torch.arange(len(rows)), ends]
        answers = torch.tensor([task["answerId"] for task in rows])
        right += (model.logits(hidden).argmax(-1) == answers).sum().item()
    return {"distance": distance, **share(right, count)}


def copying(model, window, count):
    right = total = 0
    for i in range(count):
        ids, labels = repeat(Random(SEED).fork(f"copy/{i}"), CONTEXT)
        guesses = model.logits(model.hidden(torch.tensor([ids]), window))[0, :-1].argmax(-1)
        chosen = torch.tensor(labels[1:]) > 0
        right += (guesses == torch.tensor(ids[1:]))[chosen].sum().item()
        total += chosen.sum().item()
    return share(right, total)


SINGULAR, PLURAL = ([*RESTS[number], *ACTS[number]] for number in NUMBERS)


def agreements(logits, ids):
    """(right, total) of verbs: the forms of the right number together are likelier than those of the wrong one."""
    right = total = 0
    for row, target in zip(logits.softmax(-1), ids[1:]):
        if target in SINGULAR or target in PLURAL:
            singular, plural = row[SINGULAR].sum(), row[PLURAL].sum()
            right += int((singular > plural) == (target in SINGULAR))
            total += 1
    return right, total


def known_homes(logits, ids):
    """(right, total) of cities whose person was named before in the document."""
    seen, right, total = set(), 0, 0
    for i, target in enumerate(ids):
        if target not in CITIES:
            continue
        role = ids[i - 2]
        if role in seen:
            right += int(logits[i - 1].argmax().item() == target)
            total += 1
        seen.add(role)
    return right, total


def prose(model, window, documents):
    """Perplexity of all tokens behind BOS, its interval from the spread between documents; and what memory does in it."""
    means, counts = [], {"agreement": [0, 0], "homes": [0, 0]}
    for i in range(documents):
        ids = held_out_text(Random(SEED + i), CONTEXT)
        logits = model.logits(model.hidden(torch.tensor([ids]), window))[0, :-1]
        means.append(F.cross_entropy(logits, torch.tensor(ids[1:])).item())
        for name, found in (("agreement", agreements(logits, ids)), ("homes", known_homes(logits, ids))):
            counts[name] = [a + b for a, b in zip(counts[name], found)]
    middle = sum(means) / documents
    error = math.sqrt(sum((m - middle) ** 2 for m in means) / (documents - 1) / documents)
    bounds = [round(math.exp(middle + sign * 1.96 * error), 4) for sign in (-1, 1)]
    perplexity = {"documents": documents, "tokens": documents * (CONTEXT - 1), "value": round(math.exp(middle), 4),
                  "interval": bounds}  # fmt: skip
    return {"perplexity": perplexity, **{name: share(*count) for name, count in counts.items()}}


def sinks(model, documents):
    """Mean attention that rows 64 and later give to the first four tokens and to BOS alone: [layer][head]."""
    layers, heads = model.shape.layers, model.shape.query_heads
    mass, first, rows = torch.zeros(layers, heads), torch.zeros(layers, heads), torch.zeros(layers)

    def watch(layer, start, weights):
        late = weights[:, :, max(0, 64 - start) :]
        mass[layer] += late[..., :4].sum(-1).sum((0, 2))
        first[layer] += late[..., 0].sum((0, 2))
        rows[layer] += late.shape[0] * late.shape[2]

    for i in range(documents):
        random = Random(SEED).fork(f"sink/{i}")
        ids = held_out_text(random, CONTEXT) if i % 2 else recall_task(random, 448, 0.5, CONTEXT)["ids"]
        model.hidden(torch.tensor([ids]), 0, watch)
    rounded = lambda table: [[round(v, 4) for v in row] for row in (table / rows.unsqueeze(1)).tolist()]
    uniform = sum(4 / (row + 1) for row in range(64, CONTEXT)) / (CONTEXT - 64)
    return {"firstFourTokens": rounded(mass), "bosAlone": rounded(first), "uniformWouldGive": round(uniform, 4)}


@torch.no_grad()
def evaluate(model, count):
    windows = []
    for window in WINDOWS:
        rows = [recall(model, d, window, count // 2) for d in DISTANCES if window // 2 <= d]
        windows.append({"windowTokens": window, "recall": rows, "copying": copying(model, window, 10),
                        **prose(model, window, 40)})  # fmt: skip
    return {
        "seed": SEED,
        "contextTokens": CONTEXT,
        "chance": round(1 / 64, 4),
        "full": {"recall": [recall(model, d, 0, count) for d in DISTANCES], "copying": copying(model, 0, 20),
                 **prose(model, 0, 40)},
        "windows": windows,
        "long": {"contextTokens": LONG_CONTEXT,
                 "recall": [recall(model, d, 0, count // 4, LONG_CONTEXT) for d in LONG_DISTANCES]},
        "attentionSinks": sinks(model, 20),
    }  # fmt: skip


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", type=Path, default=Path("public/models/ledger-485k"))
    arguments.add_argument("--count", type=int, default=400, help="tasks at each distance; half of it with a window, a quarter in long contexts")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    path = options.model / "card.json"
    card = json.loads(path.read_text())
    card["evaluation"] = evaluate(load(options.model), options.count)
    path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    print(json.dumps(card["evaluation"], indent=1))
