"""How jobs end that are killed, told to stop or cannot be done: DeepSpeed, two processes on gloo, a small Llama."""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ALONE, MINUTES, PROGRAM, TOLERANCE, Job, write_rows
from safetensors.torch import load_file, save_file
from small_llama import colour_row

CreateJob = Callable[..., Job]
WITH_DEEPSPEED = [
    sys.executable,
    *("-m", "deepspeed.launcher.runner", "--num_gpus", "2"),
    str(PROGRAM / "train.py"),
]


def test_killed_or_stopped_it_ends_with_the_same_loss_as_undisturbed(create_job: CreateJob) -> None:
    pace = {"steps": 24, "saveEverySteps": 3}
    undisturbed = create_job("undisturbed", pace)
    assert undisturbed.run() == 0, undisturbed.log()
    job = create_job("disturbed", pace)

    # One of the two is killed.
    killed = job.start()
    job.until_saved()
    os.kill(job.ranks()[1], signal.SIGKILL)
    assert killed.wait(timeout=10 * MINUTES) != 0
    assert not (job.folder / "train_result.json").exists()
    assert job.error(0)["class"] == "launcher-lost"
    assert not (job.folder / "errors/1.json").exists()

    # The launcher is killed: nobody trains on alone.
    orphaned = job.start()
    job.until_step(max(job.losses()) + 2)
    ranks = job.ranks()
    orphaned.kill()
    orphaned.wait()
    end = time.monotonic() + MINUTES
    while any(Path(f"/proc/{rank}/exe").exists() for rank in ranks):
        assert time.monotonic() < end, "the ranks outlive their launcher"
        time.sleep(0.1)

    # It is told to stop, which both of them agree upon. torchrun itself then exits with 1.
    stopped = job.start()
    before = max(job.losses())
    job.until_step(before + 2)
    stopped.send_signal(signal.SIGTERM)
    assert stopped.wait(timeout=10 * MINUTES) != 0
    assert {job.error(rank)["class"] for rank in (0, 1)} == {"preempted"}
    at = job.events("saved")[-1]["step"]
    assert at == max(job.losses())
    assert not (job.folder / "train_result.json").exists()

    # Other rows are refused, and the state is left alone.
    spec = job.spec.read_text()
    other = write_rows(job.folder / "other.jsonl", [colour_row(n) for n in range(8, 48)])
    changed = json.loads(spec)
    changed["data"]["train"] = [str(other)]
    job.spec.write_text(json.dumps(changed))
    assert job.run() == 1
    assert job.result()["kind"] == "bad-spec"
    assert "other settings, rows or starting weights" in job.result()["message"]
    assert job.error(0)["class"] == "spec"

    job.spec.write_text(spec)
    assert job.run() == 0, job.log()
    resumed = [event["step"] for event in job.events("resumed")]
    assert len(resumed) == 3
    assert resumed[-1] == at
    assert job.losses() == pytest.approx(undisturbed.losses(), abs=TOLERANCE)
    result, expected = job.result(), undisturbed.result()
    assert result["loss"] == pytest.approx(expected["loss"], abs=TOLERANCE)
    assert result["dev"]["loss"] == pytest.approx(expected["dev"]["loss"], abs=TOLERANCE)
    assert result["tokens"] == expected["tokens"]
    assert not list((job.folder / "errors").iterdir())


def test_killed_while_it_publishes_it_does_not_train_again(create_job: CreateJob) -> None:
    job = create_job("publishing", {"steps": 2}, probe=["What is the cat?"] * 300)
    killed = job.start(ALONE)
    job.until_saved()
    job.kill()
    killed.wait()
    assert not job.events("finished")
    trained = job.events("step")
    assert job.run(ALONE) == 0, job.log()
    assert job.events("step") == trained
    assert len(json.loads((job.folder / "output/probe.json").read_text())) == 300


def test_weights_that_are_no_numbers_stop_it(
    create_job: CreateJob, base: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(base, broken)
    weights = load_file(broken / "model.safetensors")
    weights["model.norm.weight"][0] = float("nan")
    save_file(weights, broken / "model.safetensors", {"format": "pt"})
    job = create_job("nan", model={"from": str(broken)})
    assert job.run() == 1
    assert job.result()["kind"] == "diverged"
    assert job.error(0)["class"] == "nan"
    assert not (job.folder / "output").exists()


def test_a_run_that_writes_chats_in_another_way_than_the_tokenizer_is_refused(
    create_job: CreateJob,
) -> None:
    messages = [{"role": "user", "content": "red?"}]
    job = create_job("other", chat={"messages": messages, "prompt": "USER: red? ASSISTANT:"})
    assert job.run(ALONE) == 1
    assert job.result()["kind"] == "bad-spec"
    assert "the run writes 'USER: red? ASSISTANT:'" in job.result()["message"]
    assert not job.events("started")


def test_an_output_folder_of_somebody_else_is_refused_before_training(
    create_job: CreateJob,
) -> None:
    job = create_job("foreign")
    (job.folder / "output").mkdir()
    (job.folder / "output/thesis.txt").write_text("years of work")
    assert job.run(ALONE) == 1
    assert "holds other files (thesis.txt)" in job.result()["message"]
    assert not job.events("started")


def test_under_the_deepspeed_launcher_bad_rows_are_named(
    create_job: CreateJob, tmp_path: Path
) -> None:
    rows = write_rows(tmp_path / "bad.jsonl", [colour_row(1), {"id": "x", "text": "no turns"}])
    job = create_job("data", data={"train": [str(rows)], "dev": []})
    job.run(WITH_DEEPSPEED)
    assert job.result()["kind"] == "bad-data"
    assert f"{rows}:2" in job.result()["message"]
    assert job.error(0)["class"] == "data"
