"""
How far training has gone: the mean by learned token of the dev rows of KL(output || anchor) of their next-token distributions, in nats, as
`tinylm train` measures it.

Both models are sharded over all processes, so each process calls each of them as often as the others do.
"""

import json
from pathlib import Path
from typing import Any

import deepspeed
import torch
from datasets import Dataset
from failure import TrainingFailure
from rows import padded
from spec import Spec
from tokens import IGNORED
from torch.nn.functional import kl_div
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase
from transformers.integrations.deepspeed import HfDeepSpeedConfig, unset_hf_deepspeed_config

# Distributions that are held in float32 at once; there is one number in each for every token of the vocabulary.
AT_ONCE = 128


def check_anchor(spec: Spec, tokenizer: PreTrainedTokenizerBase) -> None:
    """Distributions over other tokens cannot be compared; TrainingFailure 'bad-spec' says so before anything is trained."""
    if spec["anchor"] is None:
        return
    try:
        vocabulary = AutoTokenizer.from_pretrained(spec["anchor"]).get_vocab()
        sizes = [
            AutoConfig.from_pretrained(folder).vocab_size
            for folder in (spec["anchor"], spec["model"]["from"])
        ]
    except (OSError, ValueError) as error:
        raise TrainingFailure("bad-spec", f"anchor: {error}") from error
    if vocabulary != tokenizer.get_vocab() or sizes[0] != sizes[1]:
        raise TrainingFailure(
            "bad-spec",
            f"anchor: {spec['anchor']} has another vocabulary than the model in training",
        )


def measure(spec: Spec, rows: Dataset, micro: int) -> float:
    """To be called by all processes, once the output is there; `micro` rows are read at once by each. The same number on all."""
    processes, rank = torch.distributed.get_world_size(), torch.distributed.get_rank()
    ours, theirs = (load(spec, folder, micro) for folder in (spec["output"], spec["anchor"]))
    every = padded(rows, micro * processes)
    total = torch.zeros(2, dtype=torch.float64, device=ours.device)
    for first in range(rank * micro, len(every), processes * micro):
        batch = every[first : first + micro]
        tokens, labels = (
            pad_sequence([torch.tensor(row) for row in batch[key]], True, filler).to(ours.device)
            for key, filler in (("input_ids", 0), ("labels", IGNORED))
        )
        # What stands behind a row does not change what it says: attention looks back only.
        with torch.no_grad():
            own, other = (model(input_ids=tokens).logits[:, :-1] for model in (ours, theirs))
        learned = labels[:, 1:] != IGNORED
        total[0] += divergence_of(own[learned], other[learned])
        total[1] += learned.sum()
    torch.distributed.all_reduce(total)
    unset_hf_deepspeed_config()
    return (total[0] / total[1]).item()


def divergence_of(own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Sum of KL(own || other) over the rows of two [rows, vocabulary] tables of logits, in nats, in double precision."""
    total = torch.zeros((), dtype=torch.float64, device=own.device)
    for ours, theirs in zip(own.split(AT_ONCE), other.split(AT_ONCE), strict=True):
        logs = [logits.float().log_softmax(-1) for logits in (ours, theirs)]
        total += kl_div(logs[1], logs[0], reduction="none", log_target=True).sum(
            dtype=torch.float64
        )
    return total


def load(spec: Spec, folder: str, micro: int) -> Any:
    """A model to be read only, in shards."""
    options = spec["training"]["options"]
    config = json.loads(Path(__file__).with_name("evaluation.json").read_text())
    config["train_micro_batch_size_per_gpu"] = micro
    config["bf16"]["enabled"] = options["bf16"]
    # While this is alive, transformers loads shards.
    sharding = HfDeepSpeedConfig(config)
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype="bfloat16" if options["bf16"] else "float32", use_safetensors=True
    )
    engine, *_ = deepspeed.initialize(model=model, config=sharding.config)
    engine.eval()
    return engine
