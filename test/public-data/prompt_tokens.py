"""
Do training and the model server see the same tokens? `python prompt_tokens.py <model> <server's log> <dataset.jsonl>…` compares
the tokens that vLLM logged for each prompt with those of the training program, and prints the counts as JSON.
"""

import ast
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "agents/trainer/deepspeed"))

from rows import read_rows
from tokens import IGNORED, RowTokenizer
from transformers import AutoTokenizer

SENT = re.compile(r"details: prompt: (.*), prompt_token_ids: (\[[\d, ]*\]), prompt_embeds")
MAX_LENGTH = 10**6


def main(model: str, log: str, datasets: list[str]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(model)
    rows = RowTokenizer(
        tokenizer,
        completion_only=True,
        ends={tokenizer.eos_token_id},
        max_length=MAX_LENGTH,
        positions=MAX_LENGTH,
    )
    sent = read_sent(Path(log))
    different = [prompt for prompt, ids in sent.items() if rows.prompt(prompt) != ids]
    counts = {"trained": 0, "unsent": 0}
    for place, row in read_rows(datasets):
        prompt = row["turns"][0]["prompt"]
        ids = sent.get(prompt)
        counts["unsent" if ids is None else "trained"] += 1
        if ids is None:
            continue
        tokens = rows.row(row["turns"], place)
        learned = [label != IGNORED for label in tokens["labels"]]
        if tokens["input_ids"][: len(ids)] != ids or learned.index(True) != len(ids):
            different.append(prompt)
    longest = max(map(len, sent.values()))
    print(json.dumps({"sent": len(sent), **counts, "longest": longest, "different": different}))


def read_sent(log: Path) -> dict[str, list[int]]:
    """The tokens of each prompt; a prompt whose tokens were not the same each time has none."""
    sent: dict[str, list[int]] = {}
    for line in log.read_text(encoding="utf-8").split("\n"):
        if (match := SENT.search(line)) is None:
            continue
        prompt, ids = ast.literal_eval(match[1]), ast.literal_eval(match[2])
        sent[prompt] = ids if sent.get(prompt, ids) == ids else []
    return sent


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
