"""How far a trained model is from its anchor."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import Job, write_rows
from divergence import divergence_of
from small_llama import colour_row
from test_jobs import learned_logits, load

CreateJob = Callable[..., Job]


def logits(*shares: float) -> torch.Tensor:
    return torch.tensor(shares).log().reshape(-1, 2)


def test_it_is_the_sum_of_p_log_p_over_q_in_nats() -> None:
    found = divergence_of(logits(0.5, 0.5, 0.25, 0.75), logits(0.9, 0.1, 0.25, 0.75))
    by_hand = 0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(5)
    assert found.item() == pytest.approx(by_hand, abs=1e-6)


def test_what_is_added_to_all_logits_changes_nothing_and_many_rows_are_taken_in_parts() -> None:
    own = torch.randn(300, 7)
    assert divergence_of(own, own + 500).item() == pytest.approx(0, abs=1e-3)
    other = torch.randn(300, 7)
    parts = sum(divergence_of(own[row : row + 1], other[row : row + 1]) for row in range(300))
    assert divergence_of(own, other).item() == pytest.approx(parts.item(), rel=1e-6)


@pytest.mark.parametrize("zero", [2, 3])
def test_a_job_tells_how_far_its_output_is_from_its_anchor(
    create_job: CreateJob, base: Path, zero: int
) -> None:
    job = create_job(
        f"anchored-{zero}",
        {"steps": 4, "learningRate": 2e-2},
        {"zero": zero, "bf16": False},
        anchor=str(base),
        microBatch=2,
    )
    assert job.run() == 0, job.log()
    with torch.no_grad():
        own, other = (
            torch.cat(list(learned_logits(load(folder), job))).double().log_softmax(-1)
            for folder in (job.folder / "output", base)
        )
    expected = (own.exp() * (own - other)).sum(-1).mean().item()
    assert expected > 0.01
    assert job.result()["dev"]["kl"] == pytest.approx(expected, rel=1e-3)


def test_an_anchor_without_dev_rows_or_of_another_vocabulary_is_refused_before_training(
    create_job: CreateJob, base: Path, tmp_path: Path
) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", [colour_row(n) for n in range(8)])
    job = create_job("no-dev", anchor=str(base), data={"train": [str(rows)], "dev": []})
    assert job.run() == 1
    assert "anchor: it is compared with on dev rows" in job.failures()

    other = tmp_path / "other-model"
    other.mkdir()
    for path in base.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "vocab_size": 401}))
    job = create_job("other", anchor=str(other))
    assert job.run() == 1
    assert "another vocabulary" in job.failures()
    assert not job.events("started")
