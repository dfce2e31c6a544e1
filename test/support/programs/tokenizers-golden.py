"""
Writes test/golden/tokenizers.jsonl: small tokenizers of every kind that models have, and the ids that Hugging Face's own program makes with
them. `python tokenizers-golden.py > test/golden/tokenizers.jsonl`, with `tokenizers` 0.23.
"""

import json

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

TEXTS = [
    "",
    " ",
    "Ada lives in Oslo.",
    "Below is an instruction that describes a task.\n\n### Instruction:\nAnswer it!\n\n### Response:",
    "  two  spaces,   three; a tab\tand\r\nlines\n\n\n of all kinds \n",
    "It's 3.14159 -- or (12,345,678)? \"Don't!\" she said... 100% sure...",
    "Die Straße führt über die Brücke; l'été dernier, à Zürich, naïve façade.",
    "Москва — столица России. Η Αθήνα είναι πρωτεύουσα.",
    "奥斯陆是挪威的首都。它有七十万居民！東京は日本の首都です。",
    "दिल्ली भारत की राजधानी है। กรุงเทพมหานครเป็นเมืองหลวง القاهرة عاصمة مصر",
    "emoji 😀👍🏽👨‍👩‍👧 and e\u0301 against \u00e9, \ufb01 ligature, \u00bd, \u200b nothing",
    "def f(x):\n    return [i ** 2 for i in range(x) if i % 2 == 0]  # squares\n",
    "<s> is written, </s> too, and <|end|> in the middle<|end|> of it",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ================================ ........",
    "https://example.org/a/b?c=d&e=f#g user@example.org C:\\dir\\file.txt $4.99 №5 ©2024",
]
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BYTES = pre_tokenizers.ByteLevel.alphabet()


def trained(tokenizer: Tokenizer, trainer: trainers.Trainer) -> dict:
    tokenizer.train_from_iterator(TEXTS * 3, trainer)
    return json.loads(tokenizer.to_str())


def byte_level(split: str | None, *, begins: bool) -> dict:
    tokenizer = Tokenizer(models.BPE())
    last = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=split is None)
    parts = [last] if split is None else [pre_tokenizers.Split(Regex(split), "isolated"), last]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(parts)
    special = ["<s>", "<|end|>"]
    file = trained(
        tokenizer,
        trainers.BpeTrainer(
            vocab_size=420, special_tokens=special, initial_alphabet=BYTES, show_progress=False
        ),
    )
    if begins:
        begin = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
        tokenizer.post_processor = begin
        file = json.loads(tokenizer.to_str())
    return file


def sentence_piece() -> dict:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    options = {"vocab_size": 460, "limit_alphabet": 60, "show_progress": False}
    tokenizer.post_processor = None
    trained(tokenizer, trainers.BpeTrainer(special_tokens=special, **options))
    begin = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer.post_processor = begin
    file = json.loads(tokenizer.to_str())
    file["added_tokens"] = [token for token in file["added_tokens"] if token["id"] < 3]
    return file


def unigram() -> dict:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<unk>", "</s>"]
    options = {"vocab_size": 320, "unk_token": "<unk>", "show_progress": False}
    trained(tokenizer, trainers.UnigramTrainer(special_tokens=special, **options))
    end = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.post_processor = end
    return json.loads(tokenizer.to_str())


def words(pre_tokenizer: pre_tokenizers.PreTokenizer) -> dict:
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizer
    special = ["<unk>", "</s>"]
    return trained(
        tokenizer,
        trainers.WordLevelTrainer(vocab_size=60, special_tokens=special, show_progress=False),
    )


def main() -> None:
    llama = sentence_piece()
    whole = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
    older = [
        {"type": "Prepend", "prepend": "▁"},
        {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
    ]
    merged = {"type": "Split", "behavior": "MergedWithPrevious", "invert": False}
    qwen = byte_level(LLAMA3, begins=False)
    plain = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()]
    )
    spaced = pre_tokenizers.Split(
        Regex(r" ?[\p{L}\p{M}\p{N}]+| ?[^\s\p{L}\p{M}\p{N}]|\s"), "isolated"
    )
    files = {
        "gpt2": byte_level(None, begins=False),
        "llama3": byte_level(LLAMA3, begins=True),
        "qwen": {**qwen, "normalizer": {"type": "NFC"}},
        "llama2": {**llama, "pre_tokenizer": whole},
        "llama2-older": {
            **llama,
            "pre_tokenizer": None,
            "normalizer": {"type": "Sequence", "normalizers": older},
        },
        "gemma": {
            **llama,
            "pre_tokenizer": {**merged, "pattern": {"String": " "}},
            "normalizer": older[1],
        },
        "unigram": unigram(),
        "words": words(plain),
        "words-with-spaces": words(spaced),
        # A tokenizer that was saved after it had cut and padded; a server's does neither.
        "cutting": {
            **qwen,
            "truncation": {
                "direction": "Right",
                "max_length": 4,
                "strategy": "LongestFirst",
                "stride": 0,
            },
        },
    }
    for name, file in files.items():
        tokenizer = Tokenizer.from_str(json.dumps(file))
        tokenizer.no_truncation()
        rows = [{"text": text, "ids": tokenizer.encode(text).ids} for text in TEXTS]
        print(json.dumps({"name": name, "tokenizer": file, "rows": rows}, ensure_ascii=False))


main()
