"""
The saved states of a job: Trainer's checkpoints `state/checkpoint-<step>`, each with `complete.json` written last.

S1. A checkpoint without `complete.json` was never finished, or its removal has begun: nobody reads it.
S2. A state belongs to one job: to other settings, rows or starting weights it is refused.
S3. Which one the output is made of follows from what the newest one has logged.
"""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from failure import TrainingFailure, write_json
from spec import Spec

COMPLETE = "complete.json"
TRAINER_STATE = "trainer_state.json"


@dataclass(frozen=True)
class Checkpoint:
    """A finished checkpoint: its folder, its step, and what the job had logged by then."""

    path: Path
    step: int
    job: str
    processes: int
    gpu_seconds: float

    def trainer_state(self) -> dict[str, Any]:
        return json.loads((self.path / TRAINER_STATE).read_text())

    def losses(self) -> dict[int, float]:
        return self._logged("loss")

    def dev_losses(self) -> dict[int, float]:
        return self._logged("eval_loss")

    def _logged(self, key: str) -> dict[int, float]:
        history = self.trainer_state()["log_history"]
        return {entry["step"]: entry[key] for entry in history if key in entry}


def digest_job(spec: Spec, train: str, dev: str) -> str:
    """SHA-256 of what decides the weights: seed, settings, rows, the starting model, and dev rows where they pick."""
    decides = {
        "seed": spec["seed"],
        "training": spec["training"],
        "model": digest_folder(Path(spec["model"]["from"])),
        "train": train,
        "dev": dev if spec["training"]["pick"] == "dev-perplexity" else None,
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def digest_folder(folder: Path) -> str:
    """SHA-256 of the names and bytes of a folder's files."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        with path.open("rb") as file:
            digest.update(f"{path.name}\n".encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def finished(state: Path) -> list[Checkpoint]:
    """Finished checkpoints by step."""
    found = []
    for marker in state.glob(f"checkpoint-*/{COMPLETE}"):
        said = json.loads(marker.read_text())
        found.append(Checkpoint(path=marker.parent, **said))
    return sorted(found, key=lambda checkpoint: checkpoint.step)


def find_resumable(state: Path, job: str, processes: int) -> Checkpoint | None:
    """The newest finished checkpoint; unfinished ones are removed. TrainingFailure 'bad-spec' for one of another job."""
    for path in state.glob("checkpoint-*"):
        if not (path / COMPLETE).exists():
            shutil.rmtree(path)
    newest = finished(state)[-1:]
    for checkpoint in newest:
        if checkpoint.job != job:
            raise TrainingFailure(
                "bad-spec",
                f"{checkpoint.path} belongs to a job with other settings, rows or starting weights: "
                f"use a new job folder, or delete {state} to train from the start",
            )
        if checkpoint.processes != processes:
            raise TrainingFailure(
                "bad-spec",
                f"{checkpoint.path} was saved by {checkpoint.processes} processes and these are {processes}: "
                f"start as many, or delete {state} to train from the start",
            )
        return checkpoint
    return None


def finish(state: Path, step: int, job: str, processes: int, gpu_seconds: float) -> None:
    """Marks the checkpoint of a step as finished."""
    write_json(
        state / f"checkpoint-{step}" / COMPLETE,
        {"step": step, "job": job, "processes": processes, "gpu_seconds": gpu_seconds},
    )


def prune(state: Path, picks: bool) -> None:
    """Removes the checkpoints that neither a resume nor the output needs."""
    checkpoints = finished(state)
    kept = {checkpoints[-1].path, output_of(state, picks).path}
    for checkpoint in checkpoints:
        if checkpoint.path not in kept:
            (checkpoint.path / COMPLETE).unlink()
            shutil.rmtree(checkpoint.path)


def output_of(state: Path, picks: bool) -> Checkpoint:
    """The checkpoint to publish: the newest, or of those that were measured the first with the lowest loss on dev."""
    checkpoints = finished(state)
    newest = checkpoints[-1]
    if not picks:
        return newest
    losses = newest.dev_losses()
    measured = [checkpoint for checkpoint in checkpoints if checkpoint.step in losses]
    return min(measured, key=lambda checkpoint: losses[checkpoint.step], default=newest)
