"""
A Llama of about a million random weights with a byte-level tokenizer of its own: `python tiny_llama.py <folder>`. The tokenizer is
trained on the train rows in `<folder>/rows`. Writes `<folder>/base`.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

VOCABULARY = 4096
POSITIONS = 512
BEGIN, END, PAD = "<s>", "</s>", "<pad>"


def main(folder: Path) -> None:
    tokenizer = train_tokenizer(folder / "rows")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=3,
        num_attention_heads=4,  # of 32 numbers each, the least that vLLM takes on a CPU
        num_key_value_heads=4,
        max_position_embeddings=POSITIONS,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    model.to(torch.bfloat16).save_pretrained(folder / "base")
    tokenizer.save_pretrained(folder / "base")
    print(f"{folder / 'base'}: {model.num_parameters():,} weights, {POSITIONS} positions")


def train_tokenizer(rows: Path) -> PreTrainedTokenizerFast:
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[BEGIN, END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(texts_of(rows), trainer)
    inner.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[(BEGIN, inner.token_to_id(BEGIN))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token=BEGIN, eos_token=END, pad_token=PAD
    )


def texts_of(rows: Path) -> Iterator[str]:
    files = sorted(rows.glob("*.train.jsonl"))
    if not files:
        sys.exit(f"{rows} holds no *.train.jsonl: make the rows first")
    for file in files:
        # By LF alone: rows hold other line breaks as they are.
        for line in file.read_text(encoding="utf-8").split("\n"):
            row = json.loads(line) if line else {}
            yield from filter(
                None, (row.get(key) for key in ("instruction", "context", "question"))
            )
            yield from row.get("references", [])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
