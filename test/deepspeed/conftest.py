"""A small Llama, rows, and jobs of the real training program: two processes, gloo, no GPU."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from small_llama import colour_row, write_small_llama

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "agents/trainer/deepspeed"
sys.path.insert(0, str(PROGRAM))

LAUNCH = [
    sys.executable,
    *("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
    str(PROGRAM / "train.py"),
]
ALONE = [sys.executable, str(PROGRAM / "train.py")]
MINUTES = 60
# Two processes add up in an order of their own.
TOLERANCE = 1e-4


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def prompts_of(template: str, turns: Any = (), **given: str) -> Any:
    """What the agents make of an example by a template: test/support/programs/prompts.ts."""
    program = ROOT / "dist/test/support/programs/prompts.js"
    command = ["node", str(program), json.dumps({"template": template, "turns": turns, **given})]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "llama-small"
    write_small_llama(folder)
    return folder


class Job:
    """One job folder and what lies in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spec = folder / "spec.json"
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, launch: list[str] = LAUNCH) -> subprocess.Popen[bytes]:
        with (self.folder / "program.log").open("ab") as log:
            process = subprocess.Popen(
                [*launch, str(self.spec)], stdout=log, stderr=log, start_new_session=True
            )
        self.started.append(process)
        return process

    def run(self, launch: list[str] = LAUNCH) -> int:
        return self.start(launch).wait(timeout=20 * MINUTES)

    def log(self) -> str:
        return (self.folder / "program.log").read_text()

    def result(self) -> dict[str, Any]:
        return json.loads((self.folder / "train_result.json").read_text())

    def error(self, rank: int) -> dict[str, Any]:
        return json.loads((self.folder / "errors" / f"{rank}.json").read_text())

    def failures(self) -> str:
        """What the ranks say that failed: the launcher ends the others when it sees the first."""
        return "\n".join(
            json.loads(path.read_text())["message"]
            for path in (self.folder / "errors").glob("*.json")
        )

    def events(self, kind: str) -> list[dict[str, Any]]:
        path = self.folder / "progress.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [event for event in map(json.loads, lines) if event["event"] == kind]

    def losses(self) -> dict[int, float]:
        return {event["step"]: event["loss"] for event in self.events("step")}

    def until_step(self, step: int) -> None:
        self._until(lambda: any(event["step"] >= step for event in self.events("step")))

    def until_saved(self) -> None:
        self._until(lambda: bool(self.events("saved")))

    def ranks(self) -> list[int]:
        """Process ids of the processes that train, by rank."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                words = (path / "cmdline").read_bytes().split(b"\0")
                variables = (path / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            rank = [word for word in variables if word.startswith(b"RANK=")]
            if rank and os.fsencode(self.spec) in words:
                found[int(rank[0][5:])] = int(path.name)
        return [found[rank] for rank in sorted(found)]

    def _until(self, seen: Callable[[], bool]) -> None:
        end = time.monotonic() + 10 * MINUTES
        while not seen():
            assert time.monotonic() < end, self.log()
            assert self.started[-1].poll() is None, self.log()
            time.sleep(0.05)

    def kill(self) -> None:
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture
def create_job(base: Path, tmp_path: Path) -> Iterator[Callable[..., Job]]:
    """Makes jobs: `training`, `options` and other keyword arguments stand in place of what the spec says otherwise; None leaves out."""
    jobs: list[Job] = []
    train = write_rows(tmp_path / "train.jsonl", [colour_row(n) for n in range(48)])
    dev = write_rows(tmp_path / "dev.jsonl", [colour_row(n) for n in range(100, 111)])

    def create(
        name: str, training: dict[str, Any] | None = None, options: Any = None, **changes: Any
    ) -> Job:
        folder = tmp_path / name
        folder.mkdir()
        usual = {
            "steps": 9,
            "batchSize": 8,
            "learningRate": 2e-3,
            "schedule": "cosine",
            "warmupRatio": 0.1,
            "weightDecay": 0.05,
            "saveEverySteps": 4,
            "pick": "last",
            "options": {"gradientCheckpointing": False, **(options or {})},
        }
        pace = {**usual, **(training or {})}
        spec = {
            "version": 1,
            "job": name,
            "seed": 11,
            "model": {"from": str(base)},
            "anchor": None,
            "data": {"train": [str(train)], "dev": [str(dev)]},
            "output": str(folder / "output"),
            "training": {key: value for key, value in pace.items() if value is not None},
            "probe": ["What is the cat?\n", "ünknown wörds"],
            **changes,
        }
        job = Job(folder)
        job.spec.write_text(json.dumps(spec))
        jobs.append(job)
        return job

    yield create
    for job in jobs:
        job.kill()
