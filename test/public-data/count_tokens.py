"""How many tokens has a model for each text? `python count_tokens.py <model>` reads and prints JSON lists."""

import json
import sys

from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
print(json.dumps([len(ids) for ids in tokenizer(json.load(sys.stdin))["input_ids"]]))
