"""Tokenizers with the chat templates of `test/support/chat-models`, saved as transformers saves them."""

import json
from pathlib import Path

from conftest import ROOT
from small_llama import colour_row
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

MODELS = ROOT / "test/support/chat-models"
CHAT_MODELS = json.loads((MODELS / "models.json").read_text())


def write_chat_model(folder: Path, name: str) -> None:
    model = CHAT_MODELS[name]
    bos, eos = model["bos"], model["eos"]
    special = [token for token in [bos, eos, *model["special"]] if token]
    inner = {"bytes": byte_tokenizer, "words": word_tokenizer}[model["tokenizer"]](special)
    if model["adds"]:
        inner.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, inner.token_to_id(bos))]
        )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, bos_token=bos, eos_token=eos)
    tokenizer.chat_template = (MODELS / f"{name}.jinja").read_text()
    tokenizer.save_pretrained(folder)
    ends = [inner.token_to_id(token) for token in model["ends"]]
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": ends}))


def byte_tokenizer(special: list[str]) -> Tokenizer:
    """As Llama 3 and Qwen have them."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    return trained(inner, special, pre_tokenizers.ByteLevel.alphabet())


def word_tokenizer(special: list[str]) -> Tokenizer:
    """As Llama 2 and Vicuna have them: a space is part of the word behind it, and the first word has one."""
    inner = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    inner.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    return trained(inner, ["<unk>", *special], [chr(code) for code in range(32, 127)])


def trained(inner: Tokenizer, special: list[str], alphabet: list[str]) -> Tokenizer:
    texts = [
        turn["prompt"] + turn["completion"] for n in range(48) for turn in colour_row(n)["turns"]
    ]
    more = [f"<0x{code:02X}>" for code in range(256)] if "<unk>" in special else []
    inner.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=800, special_tokens=[*special, *more], initial_alphabet=alphabet
        ),
    )
    return inner
