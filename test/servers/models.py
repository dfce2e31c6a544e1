"""
Small Llamas for real servers: `python models.py <folder>` writes the checkpoints `one` and `two`, and three that were trained with LoRA,
each on the one before: `first` on `one`, `second`, and `third`, whose rank is above 8.

Each has a probe, as our training program writes it, and in `expected.json` what it says of the first token after a prompt. Every token
has a text of its own, so that the texts of samples tell their tokens; few have most of the probability, and many have some.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

sys.path.insert(0, str(Path(__file__).parents[2] / "agents/trainer/deepspeed"))
from adapter import write_adapter
from output import answer_probe, merged
from tokens import RowTokenizer

PROMPT = "The cat sat on the"
PROBE = [PROMPT, "A dog in the red house\n", "Where is the old tree?"]
ALPHABET = [chr(code) for code in range(33, 127)] + ["Ġ", "Ċ"]
SPECIAL = ["<s>", "</s>", "<pad>"]
TEXTS = [
    "the cat sat on a mat and saw one red bird in an old tree by night, or the dog of the house"
]
# Weights that are drawn with a deviation of 0.02 say nothing of the next token; so much larger ones do.
SHARPER = 10.0


def tokenizer() -> PreTrainedTokenizerFast:
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=160, special_tokens=SPECIAL, initial_alphabet=ALPHABET, limit_alphabet=99
    )
    inner.train_from_iterator(TEXTS, trainer)
    inner.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )


def llama(seed: int, size: int) -> LlamaForCausalLM:
    """Heads of 32, which vLLM has kernels for on a CPU."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        rows = model.lm_head.weight
        rows.mul_(SHARPER)
        # As likely as others here and there, so that some answers end.
        end = torch.randn(config.hidden_size, generator=torch.Generator().manual_seed(7))
        rows[config.eos_token_id] = end * (1.5 * rows[60].norm() / end.norm())
    return model.to(torch.bfloat16)


def describe(model: PreTrainedModel, words: PreTrainedTokenizerFast, folder: Path) -> None:
    """Writes the probe as our training program does, and the log probabilities of the first token by its text."""
    rows = RowTokenizer(words, completion_only=True, ends={1}, max_length=None, positions=256)
    (folder / "probe.json").write_text(json.dumps(answer_probe(model, rows, PROBE)))
    with torch.no_grad():
        logits = model(torch.tensor([rows.prompt(PROMPT)])).logits[0, -1]
    first: dict[str, Any] = {"prompt": PROMPT, "tokens": []}
    for token, value in enumerate(torch.log_softmax(logits, dim=-1).tolist()):
        text = words.decode([token], skip_special_tokens=True)
        first["tokens"].append({"text": text, "logprob": value, "ends": token == 1})
    (folder / "expected.json").write_text(json.dumps(first))


def write_adapted(
    base: Path, folder: Path, words: PreTrainedTokenizerFast, config: LoraConfig
) -> None:
    """What our training program leaves of a checkpoint with an adapter, here of random numbers."""
    config.target_modules = config.target_modules or "all-linear"
    config.init_lora_weights = False
    checkpoint = folder.with_name(f"{folder.name}-checkpoint")
    adapted = get_peft_model(LlamaForCausalLM.from_pretrained(base), config)
    adapted.save_pretrained(checkpoint)
    model = merged(base, checkpoint)
    model.save_pretrained(folder)
    write_adapter(folder, checkpoint, base)
    describe(model, words, folder)


def write(folder: Path) -> None:
    words = tokenizer()
    for name, seed in {"one": 1, "two": 2}.items():
        model = llama(seed, len(words))
        model.save_pretrained(folder / name)
        words.save_pretrained(folder / name)
        # A default of the model's own, which no request may be left to.
        config = {"temperature": 0.6, "top_k": 20, "top_p": 0.9, "repetition_penalty": 1.3}
        ends = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2, "do_sample": True}
        (folder / name / "generation_config.json").write_text(json.dumps({**config, **ends}))
        describe(model, words, folder / name)
    write_adapted(folder / "one", folder / "first", words, LoraConfig(r=6, lora_alpha=12))
    narrow = LoraConfig(r=2, lora_alpha=8, target_modules=["q_proj", "down_proj"])
    write_adapted(folder / "first", folder / "second", words, narrow)
    write_adapted(folder / "second", folder / "third", words, LoraConfig(r=1))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
