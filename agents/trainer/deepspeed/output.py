"""The trained model as a folder that transformers, vLLM and the others load: 16-bit safetensors, tokenizer, config, card, probe."""

import json
import math
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from adapter import has_adapter, write_adapter
from failure import TrainingFailure, sync_folder
from peft import PeftModel
from spec import Spec
from tokens import RowTokenizer
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

PROBE_TOKENS = 16
# Of the starting model, as they are: what trainers write of a tokenizer is not always what they read.
TAKEN_OVER = (
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "*.tiktoken",
    "chat_template.*",
    "generation_config.json",
    "LICENSE*",
    "NOTICE*",
    "USE_POLICY*",
)


def write_output(spec: Spec, checkpoint: Path, tokenizer: RowTokenizer) -> None:
    """Publishes the model of a checkpoint at `spec.output`, whole or not at all; what an earlier attempt left is replaced."""
    output, base = Path(spec["output"]), Path(spec["model"]["from"])
    refuse_foreign(output)
    staging = fresh(output)
    model = merged(base, checkpoint)
    model.config = AutoConfig.from_pretrained(base)
    model.config.dtype = torch.bfloat16
    model.save_pretrained(staging)
    for pattern in TAKEN_OVER:
        for path in base.glob(pattern):
            shutil.copyfile(path, staging / path.name)
    (staging / "README.md").write_text(card(spec, base.name))
    answers = answer_probe(model, tokenizer, spec["probe"])
    (staging / "probe.json").write_text(json.dumps(answers, indent=1) + "\n")
    write_adapter(staging, checkpoint, base)
    publish(staging, output)


def merged(base: Path, checkpoint: Path) -> PreTrainedModel:
    """The trained weights in bfloat16, an adapter's merged into those it was trained on."""
    if not has_adapter(checkpoint):
        return AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.bfloat16)
    # Sums of small and large numbers: merged before they are rounded.
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    adapted = PeftModel.from_pretrained(model, checkpoint, autocast_adapter_dtype=True)
    return adapted.merge_and_unload(safe_merge=True).to(torch.bfloat16)


def answer_probe(
    model: PreTrainedModel, tokenizer: RowTokenizer, prompts: list[str]
) -> list[dict[str, Any]]:
    """What the saved weights answer greedily, by which a server shows that it serves them; in float32, for engines round as they like."""
    exact = model.float().eval()
    answers = []
    for prompt in prompts:
        ids = torch.tensor([tokenizer.prompt(prompt)])
        with torch.no_grad():
            generated = exact.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=PROBE_TOKENS,
                do_sample=False,
                repetition_penalty=1.0,
                eos_token_id=sorted(tokenizer.ends),
                pad_token_id=tokenizer.tokenizer.eos_token_id,
                return_dict_in_generate=True,
                output_logits=True,
            )
        tokens = generated.sequences[0, ids.shape[1] :].tolist()
        logprobs = [
            torch.log_softmax(step[0], dim=-1)[token].item()
            for step, token in zip(generated.logits, tokens, strict=True)
        ]
        # Servers differ in whether they tell of the token that ends an answer.
        if tokens and tokens[-1] in tokenizer.ends:
            tokens, logprobs = tokens[:-1], logprobs[:-1]
        text = tokenizer.tokenizer.decode(tokens, skip_special_tokens=True)
        answers.append({"prompt": prompt, "tokens": tokens, "text": text, "logprobs": logprobs})
    if not all(math.isfinite(value) for answer in answers for value in answer["logprobs"]):
        raise TrainingFailure(
            "diverged", "the trained model answers with numbers that are not finite"
        )
    return answers


def card(spec: Spec, base: str) -> str:
    """The model card, without clock, host or path."""
    prompts = "written by its chat template" if "chat" in spec else "plain text"
    training = json.dumps({"seed": spec["seed"], **spec["training"]}, indent=2, sort_keys=True)
    return f"""---
library_name: transformers
pipeline_tag: text-generation
base_model: {base}
base_model_relation: finetune
tags: [reset, rejection-sampling, sft]
---

# {spec["job"]}

Fine-tuned from `{base}` by reset-loop, with DeepSpeed and TRL. Prompts are {prompts}.

```json
{training}
```
"""


def refuse_foreign(folder: Path) -> None:
    """The folder is replaced whole, so it must be one of ours: absent, empty, or a model that was written here before."""
    names = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    if names and "config.json" not in names:
        raise TrainingFailure(
            "bad-spec",
            f"output: {folder} holds other files ({', '.join(names[:3])}); name a folder that is new",
        )


def fresh(folder: Path) -> Path:
    staging = folder.with_name(f"{folder.name}.staging")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    return staging


def publish(staging: Path, folder: Path) -> None:
    for path in staging.rglob("*"):
        if path.is_dir():
            sync_folder(path)
            continue
        with path.open("rb") as file:
            os.fsync(file.fileno())
    sync_folder(staging)
    shutil.rmtree(folder, ignore_errors=True)
    staging.rename(folder)
    sync_folder(folder.parent)
