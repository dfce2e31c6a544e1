"""
Trains one job with DeepSpeed: `torchrun --nproc-per-node 8 train.py <spec.json>`, or `deepspeed`, or plain `python` for one process.

The contract is that of every training program (shared/contract/training.ts): beside the spec it writes `progress.jsonl`, `state/`,
`errors/<rank>.json` and, last, `train_result.json`. It exits with 0 when completed, 1 when failed, 143 after SIGTERM.

T1. Killed at any moment and started again, it goes on from its last finished checkpoint.
T2. `train_result.json` appears only behind a complete output folder, or with the reason of a failure.
T3. Only what is certain is a failure of the job: other errors may be another process's doing, and are told in `errors/` alone.
"""

import argparse
import hashlib
import json
import math
import os
import shutil
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

import torch

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
if not torch.cuda.is_available():
    os.environ.setdefault("DS_ACCELERATOR", "cpu")

# One of them for each collective of each step.
warnings.filterwarnings("ignore", category=FutureWarning, module="torch.distributed")

from divergence import check_anchor, measure
from failure import Preempted, TrainingFailure, forget, record, to_failure, write_json
from output import refuse_foreign, write_output
from peft import LoraConfig
from processes import end_with_launcher, join_processes, note_signals, part, share
from progress import Progress, Steering
from rows import digest_rows, load_tokens, padded, write_tokens
from spec import Spec, Training, read_spec, split_batch, steps_of
from state import Checkpoint, digest_job, find_resumable, finished, output_of
from tokens import IGNORED, RowTokenizer, check_chat
from transformers import AutoConfig, AutoTokenizer, GenerationConfig, PrinterCallback
from transformers.integrations.deepspeed import unset_hf_deepspeed_config
from transformers.utils.logging import disable_progress_bar
from trl import SFTConfig, SFTTrainer

COMPLETED, FAILED, STOPPED = 0, 1, 143
SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant-linear": "warmup_stable_decay"}
# Share of the steps over which `constant-linear` lets the rate fall.
FALLING = 0.4


class Trainer(SFTTrainer):
    """SFTTrainer whose loss on dev is the mean by learned token, whatever the batches and the number of processes."""

    def prediction_step(
        self, model: torch.nn.Module, inputs: dict[str, Any], *_: Any, **__: Any
    ) -> tuple[torch.Tensor, None, None]:
        inputs = self._prepare_inputs(inputs)
        learned = (inputs["labels"][:, 1:] != IGNORED).sum()
        with torch.no_grad(), self.compute_loss_context_manager():
            loss = self.compute_loss(model, inputs)
        # Trainer takes the mean of this over rows.
        return loss * learned * self.loss_scale, None, None

    def weigh(self, dev: Any) -> None:
        learned = sum(label != IGNORED for row in dev["labels"] for label in row[1:])
        batches = len(dev) / self.args.per_device_eval_batch_size
        self.loss_scale = batches / learned


def main() -> int:
    disable_progress_bar()
    spec_path = read_arguments()
    folder = spec_path.parent
    end_with_launcher()
    rank = int(os.environ.setdefault("RANK", "0"))
    if is_completed(folder / "train_result.json"):
        return COMPLETED
    stop = note_signals()
    forget(folder, rank)
    try:
        result = train(spec_path, rank, stop)
        if rank == 0:
            write_json(folder / "train_result.json", result)
            shutil.rmtree(folder / "state")
        part()
        return COMPLETED
    except BaseException as error:
        traceback.print_exc()
        failure = to_failure(error)
        record(folder, rank, failure)
        if rank == 0 and isinstance(failure, TrainingFailure):
            failed = {"status": "failed", "kind": failure.kind, "message": str(failure)}
            write_json(folder / "train_result.json", failed)
        return STOPPED if isinstance(error, Preempted) else FAILED


def train(spec_path: Path, rank: int, stop: list[int]) -> dict[str, Any]:
    """From the spec to a complete output folder; returns the result to write."""
    spec = read_spec(spec_path)
    folder = spec_path.parent
    state = folder / "state"
    if rank == 0:
        (folder / "train_result.json").unlink(missing_ok=True)
    join_processes()
    processes = torch.distributed.get_world_size()
    split = split_batch(spec, processes)
    tokenizer = read_tokenizer(spec)
    check_anchor(spec, tokenizer.tokenizer)

    # The first process reads the rows once for all; the others map its files.
    job, resumed, tokens = None, None, {}
    if rank == 0:
        refuse_foreign(Path(spec["output"]))
        digests = {part: digest_rows(files) for part, files in spec["data"].items()}
        job = digest_job(spec, digests["train"], digests["dev"])
        resumed = find_resumable(state, job, processes)
        for part, files in spec["data"].items():
            if files:
                tokens[part] = state / f"{part}-{job[:16]}-{digests[part][:16]}.arrow"
                write_tokens(files, tokenizer, tokens[part])
    job, resumed, tokens = share([job, resumed, tokens])
    rows = {part: load_tokens(path) for part, path in tokens.items()}
    steps = steps_of(spec["training"], len(rows["train"]))

    progress = Progress(folder / "progress.jsonl") if rank == 0 else None
    if resumed is None or resumed.step < steps:
        steering = Steering(spec, job, progress, stop, resumed, split)
        trainer = create_trainer(spec, state, tokenizer, rows, steps, split, steering)
        trainer.train(resume_from_checkpoint=str(resumed.path) if resumed else None)
        trainer.accelerator.free_memory()
        del trainer
        # Else the output would be loaded in shards, by all processes.
        unset_hf_deepspeed_config()
    result = {}
    if rank == 0:
        picked = output_of(state, spec["training"]["pick"] == "dev-perplexity")
        write_output(spec, picked.path, tokenizer)
        result = describe(spec_path, spec, state, picked)
    if spec["anchor"] is not None:
        share([None])
        kl = measure(spec, rows["dev"], split[0])
        if rank == 0:
            result["dev"]["kl"] = kl
    if rank == 0:
        progress.report("finished")
    return result


def create_trainer(
    spec: Spec,
    state: Path,
    tokenizer: RowTokenizer,
    rows: dict[str, Any],
    steps: int,
    split: tuple[int, int],
    steering: Steering,
) -> Trainer:
    training = spec["training"]
    options = training["options"]
    micro, accumulation = split
    config = SFTConfig(
        output_dir=str(state),
        seed=spec["seed"],
        data_seed=spec["seed"],
        num_train_epochs=training.get("epochs", 1),
        max_steps=training.get("steps", -1),
        per_device_train_batch_size=micro,
        per_device_eval_batch_size=micro,
        gradient_accumulation_steps=accumulation,
        learning_rate=training["learningRate"],
        lr_scheduler_type=SCHEDULES[training["schedule"]],
        lr_scheduler_kwargs=schedule_of(training, steps),
        warmup_steps=training["warmupRatio"],  # below 1 it is a share of the steps
        weight_decay=training["weightDecay"],
        bf16=options["bf16"],
        use_cpu=not torch.cuda.is_available(),
        gradient_checkpointing=options["gradientCheckpointing"],
        neftune_noise_alpha=options.get("neftuneAlpha"),
        deepspeed=str(Path(__file__).with_name(f"zero{options['zero']}.json")),
        model_init_kwargs={
            "dtype": "bfloat16" if options["bf16"] else "float32",
            "use_safetensors": True,
        },
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        packing=False,
        # Steering says when to log, to measure and to save.
        logging_strategy="no",
        eval_strategy="no",
        save_strategy="no",
        logging_nan_inf_filter=False,
        include_num_input_tokens_seen="non_padding",
        disable_tqdm=True,
        report_to="none",
    )
    dev = padded(rows["dev"], micro * config.world_size) if "dev" in rows else None
    trainer = Trainer(
        model=spec["model"]["from"],
        args=config,
        train_dataset=rows["train"],
        eval_dataset=dev,
        processing_class=tokenizer.tokenizer,
        peft_config=lora_of(spec),
        callbacks=[steering],
    )
    # It prints what `progress.jsonl` holds.
    trainer.remove_callback(PrinterCallback)
    if dev is not None:
        trainer.weigh(dev)
    return trainer


def lora_of(spec: Spec) -> LoraConfig | None:
    lora = spec["training"]["options"].get("lora")
    if lora is None:
        return None
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=lora["rank"],
        lora_alpha=lora["alpha"],
        lora_dropout=lora["dropout"],
        target_modules=lora["targets"],
    )


def schedule_of(training: Training, steps: int) -> dict[str, Any]:
    """What the schedule needs beyond the length of the warm-up and of the job."""
    if training["schedule"] != "constant-linear":
        return {}
    return {"num_decay_steps": math.ceil(FALLING * steps), "decay_type": "linear"}


def read_tokenizer(spec: Spec) -> RowTokenizer:
    """The starting model's tokenizer with the limits of its config; TrainingFailure 'bad-spec' for a folder that is no such model."""
    base = Path(spec["model"]["from"])
    if not any(base.glob("*.safetensors")):
        raise TrainingFailure("bad-spec", f"model.from: {base} holds no .safetensors file")
    try:
        tokenizer = AutoTokenizer.from_pretrained(base)
        config = AutoConfig.from_pretrained(base)
        generation = GenerationConfig.from_model_config(config)
        if (base / "generation_config.json").exists():
            generation = GenerationConfig.from_pretrained(base)
    except (OSError, ValueError) as error:
        raise TrainingFailure("bad-spec", f"model.from: {error}") from error
    if tokenizer.eos_token_id is None:
        raise TrainingFailure("bad-spec", f"model.from: the tokenizer of {base} has no eos_token")
    if "chat" in spec:
        check_chat(tokenizer, spec["chat"])
    ends = generation.eos_token_id
    options = spec["training"]["options"]
    return RowTokenizer(
        tokenizer,
        completion_only=options["completionOnly"],
        ends={tokenizer.eos_token_id, *([ends] if isinstance(ends, int) else ends or [])},
        max_length=options.get("maxLength"),
        positions=config.max_position_embeddings,
    )


def describe(spec_path: Path, spec: Spec, state: Path, picked: Checkpoint) -> dict[str, Any]:
    """The result of a completed job, from what its checkpoints say."""
    newest = finished(state)[-1]
    loss = picked.dev_losses().get(picked.step)
    folder = spec_path.parent
    return {
        "status": "completed",
        "spec": hashlib.sha256(spec_path.read_bytes()).hexdigest(),
        "gpuSeconds": newest.gpu_seconds,
        "steps": newest.step,
        "loss": newest.losses()[newest.step],
        "dev": None if loss is None else {"loss": loss, "perplexity": math.exp(min(loss, 700))},
        "tokens": newest.trainer_state()["num_input_tokens_seen"],
        "output": os.path.relpath(spec["output"], folder),
    }


def read_arguments() -> Path:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--local_rank", help="given by the deepspeed launcher, and not needed")
    parser.add_argument("spec", type=Path, help="the job to run, or to go on with")
    return parser.parse_args().spec.resolve()


def is_completed(result: Path) -> bool:
    return result.exists() and json.loads(result.read_text())["status"] == "completed"


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Taking the process group down would wait for partners that may be gone.
    os._exit(code)
