"""Train the shipped model: `OMP_NUM_THREADS=1 python3 scripts/train/train.py --out out/train`.

The recipe is STAGES and SEED. A step's data depend on (SEED, stage, step) only and a checkpoint holds the optimizer, so
a run that is stopped and started again takes the same steps. Needs Debian's python3-torch, python3-numpy and
libopenblas0-serial (the reference BLAS is eight times slower). The last digits follow the BLAS and the core: another
machine takes the same steps on the same data, but need not end at the same bytes. Under half an hour of one core.
"""
import argparse
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional as F

from data import ANSWER, PROSE, TOKENS, sequence
from model import Decoder, Shape
from rng import FastRandom

SEED = 20261121
WARMUP_STEPS = 100
SAVE_EVERY = 50


@dataclass(frozen=True)
class Stage:
    name: str
    steps: int
    tokens: int
    batch: int
    mix: dict
    """Learning rate at the stage's first and last step, cosine between."""
    rates: tuple


LEDGERS = {"repeat": 1, "pairs": 1, "people": 2, "dense": 4, "mixed": 7, "prose": 5}

# Repeats first, short and then longer: they teach copying a word from another place, though place by place. Behind them,
# dense ledgers stood at 19 % after 350 steps; pairs in shuffled order, where only the looked-up word is a clue, went from
# 1 to 99 % in 90 (from the start they showed nothing in 110). The same lookup is then lengthened and made sparse among
# prose. Homes, which stand two words behind their person, were at chance until a stage of persons alone: 40 steps.
STAGES = (
    Stage("repeat-64", 300, 64, 64, {"repeat": 1}, (3e-3, 3e-3)),
    Stage("repeat-128", 300, 128, 48, {"repeat": 3, "dense": 1}, (3e-3, 3e-3)),
    Stage("dense-256", 400, 256, 32, {"repeat": 2, "dense": 3, "prose": 1}, (3e-3, 2e-3)),
    Stage("pairs-64", 150, 64, 64, {"pairs": 1}, (2e-3, 2e-3)),
    Stage("pairs-128", 150, 128, 32, {"pairs": 3, "dense": 1}, (2e-3, 2e-3)),
    Stage("ledger-256", 250, 256, 16, {"repeat": 1, "pairs": 3, "dense": 6, "mixed": 4, "prose": 2}, (2e-3, 2e-3)),
    Stage("people-128", 150, 128, 32, {"people": 3, "dense": 2, "pairs": 1, "prose": 2}, (2e-3, 2e-3)),
    Stage("ledger-512", 200, 512, 12, LEDGERS, (1.5e-3, 1.5e-3)),
    Stage("ledger-1024", 350, 1024, 6, LEDGERS, (1.5e-3, 5e-5)),
)


def plan():
    """(stage, step within it) of every step of the run."""
    return [(stage, i) for stage in STAGES for i in range(stage.steps)]


def learning_rate(stage, i, step):
    first, last = stage.rates
    cosine = 0.5 * (1 + math.cos(math.pi * i / max(1, stage.steps - 1)))
    return (last + (first - last) * cosine) * min(1.0, (step + 1) / WARMUP_STEPS)


def batch_of(stage, i):
    rng = FastRandom(f"{SEED}/{stage.name}/{i}")
    rows = [sequence(rng, stage.tokens + 1, stage.mix) for _ in range(stage.batch)]
    return torch.tensor([ids for ids, _ in rows]), torch.tensor([labels for _, labels in rows])


def losses(model, ids, labels):
    """Mean cross-entropy of answers and of prose, and the share of answers that are right."""
    hidden, targets, kinds = model.hidden(ids[:, :-1]), ids[:, 1:], labels[:, 1:]
    means = []
    right = float("nan")
    for kind in (ANSWER, PROSE):
        chosen = kinds == kind
        if not chosen.any():
            means.append(None)
            continue
        logits = model.logits(hidden[chosen])
        means.append(F.cross_entropy(logits, targets[chosen]))
        if kind == ANSWER:
            right = (logits.argmax(-1) == targets[chosen]).float().mean().item()
    return means[0], means[1], right


def optimizer_of(model):
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.02}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.98))


def train(out, until):
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    model = Decoder(Shape(vocab=len(TOKENS)))
    optimizer = optimizer_of(model)
    checkpoint, log, step = out / "checkpoint.pt", [], 0
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        log, step = saved["log"], saved["step"]
    steps = plan()
    print(sum(p.numel() for p in model.parameters()), "parameters,", len(steps), "steps, from", step, flush=True)
    while step < min(len(steps), until):
        started = time.time()
        stage, i = steps[step]
        ids, labels = batch_of(stage, i)
        answer, prose, right = losses(model, ids, labels)
        loss = sum(part * share for part, share in ((answer, 1.0), (prose, 0.5)) if part is not None)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(stage, i, step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        row = {"step": step, "stage": stage.name, "right": round(right, 4)}
        row["answerLoss"] = None if answer is None else round(answer.item(), 4)
        row["proseLoss"] = None if prose is None else round(prose.item(), 4)
        log.append(row)
        if step % 10 == 0:
            print(json.dumps(row), f"{time.time() - started:.2f} s", flush=True)
        if step % SAVE_EVERY == 0 or step == len(steps):
            saved = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "log": log, "step": step}
            torch.save(saved, out / "checkpoint.tmp")
            (out / "checkpoint.tmp").rename(checkpoint)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=Path, default=Path("out/train"))
    arguments.add_argument("--until", type=int, default=10**9, help="stop after this many steps")
    options = arguments.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    train(options.out, options.until)
