"""Write tests/golden/ledger.json: sequences that recall.ts must draw too. `python3 scripts/train/golden.py`"""
import json

from data import ROOT, held_out_text, recall_task
from rng import Random

TASKS = ((7, 8, 0, 64), (8, 61, 1, 64), (9, 128, 0.25, 256), (2**40 + 5, 448, 0.5, 512))
TEXTS = ((7, 96), (2**33 + 1, 200))

if __name__ == "__main__":
    tasks = [
        {"seed": seed, "distanceTokens": distance, "depth": depth, "contextTokens": context,
         **recall_task(Random(seed), distance, depth, context)}
        for seed, distance, depth, context in TASKS
    ]  # fmt: skip
    texts = [{"seed": seed, "tokens": tokens, "ids": held_out_text(Random(seed), tokens)} for seed, tokens in TEXTS]
    golden = {"writtenBy": "python3 scripts/train/golden.py", "tasks": tasks, "texts": texts}
    (ROOT / "tests/golden/ledger.json").write_text(json.dumps(golden) + "\n")
