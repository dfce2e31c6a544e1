"""A training job as the trainer writes it: `spec.json`, whose schema is shared/contract/training.ts."""

import difflib
import json
import math
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

from failure import TrainingFailure
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

# Made from the TypeScript schema; a unit test says when it has to be made again.
SCHEMA = json.loads(Path(__file__).with_name("spec.schema.json").read_text())

DEFAULT_MICRO_BATCH = 4


class Lora(TypedDict):
    rank: int
    alpha: float
    dropout: float
    targets: Literal["all-linear"] | list[str]


class Options(TypedDict):
    maxLength: NotRequired[int]
    completionOnly: bool
    neftuneAlpha: NotRequired[float]
    lora: NotRequired[Lora]
    zero: Literal[2, 3]
    bf16: bool
    gradientCheckpointing: bool
    evaluateEverySteps: NotRequired[int]


class Training(TypedDict):
    steps: NotRequired[int]
    epochs: NotRequired[float]
    batchSize: int
    learningRate: float
    schedule: Literal["cosine", "linear", "constant-linear"]
    warmupRatio: float
    weightDecay: float
    saveEverySteps: int
    pick: Literal["last", "dev-perplexity"]
    options: Options


class Chat(TypedDict):
    messages: list[dict[str, str]]
    prompt: str


class Spec(TypedDict):
    job: str
    seed: int
    model: dict[Literal["from"], str]
    data: dict[Literal["train", "dev"], list[str]]
    anchor: str | None
    output: str
    training: Training
    microBatch: NotRequired[int]
    chat: NotRequired[Chat]
    probe: list[str]


def read_spec(path: Path) -> Spec:
    """Reads and checks a spec, with the options' defaults filled in; TrainingFailure 'bad-spec' names every problem."""
    try:
        spec = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise TrainingFailure("bad-spec", f"{path}: {error}") from error
    problems = [
        f"{'.'.join(str(key) for key in problem.absolute_path) or 'spec'}: {describe(problem)}"
        for problem in Draft202012Validator(SCHEMA).iter_errors(spec)
    ]
    if not problems:
        problems = contradictions(spec)
    if problems:
        raise TrainingFailure("bad-spec", f"{path}: " + "; ".join(problems))
    training = spec["training"]
    training["options"] = filled(training.get("options", {}), options_schema())
    return spec


def contradictions(spec: dict[str, Any]) -> list[str]:
    """What the schema cannot say."""
    training, problems = spec["training"], []
    if ("steps" in training) == ("epochs" in training):
        problems.append("training: exactly one of steps and epochs must be given")
    if training["pick"] == "dev-perplexity" and not spec["data"]["dev"]:
        problems.append("data.dev: training.pick dev-perplexity needs dev rows")
    if spec["anchor"] is not None and not spec["data"]["dev"]:
        problems.append("anchor: it is compared with on dev rows, and there are none")
    if not 0 <= training["warmupRatio"] < 1:
        problems.append("training.warmupRatio: must be at least 0 and below 1")
    if spec["model"]["from"] is None:
        problems.append(
            "model.from: this back-end does not train from scratch; "
            "name a folder with config.json, a tokenizer and safetensors"
        )
    return problems


def describe(problem: ValidationError) -> str:
    if problem.validator != "additionalProperties":
        return problem.message
    known = list(problem.schema["properties"])
    return ", ".join(
        f'unknown key "{key}", the nearest known one is "{nearest(key, known)}"'
        for key in problem.instance
        if key not in known
    )


def nearest(name: str, known: list[str]) -> str:
    return difflib.get_close_matches(name, known, n=1, cutoff=0)[0]


def options_schema() -> dict[str, Any]:
    return SCHEMA["properties"]["training"]["properties"]["options"]


def filled(value: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The value with the schema's defaults where it says nothing."""
    properties = schema["properties"]
    given = {
        key: filled(one, properties[key]) if isinstance(one, dict) else one
        for key, one in value.items()
    }
    defaults = {key: one["default"] for key, one in properties.items() if "default" in one}
    return {**defaults, **given}


def split_batch(spec: Spec, processes: int) -> tuple[int, int]:
    """(rows that a process takes at once, how often it does so in a step): batch = micro x accumulation x processes."""
    batch, micro = spec["training"]["batchSize"], spec.get("microBatch")
    share = batch // processes
    if batch % processes == 0 and micro is None:
        micro = max(
            rows
            for rows in range(1, DEFAULT_MICRO_BATCH + 1)
            if rows <= share and share % rows == 0
        )
    if batch % processes or share % (micro or 1):
        parts = f"{processes} processes" + (f" x microBatch {micro}" if micro else "")
        raise TrainingFailure(
            "bad-spec",
            f"training.batchSize {batch} cannot be split into {parts} x a whole number; "
            "give a batch size that can, another microBatch or another number of processes",
        )
    return micro, share // micro


def steps_of(training: Training, rows: int) -> int:
    """Steps of the whole job; each epoch ends with a step on what is left of it."""
    if "steps" in training:
        return training["steps"]
    return math.ceil(training["epochs"] * math.ceil(rows / training["batchSize"]))
