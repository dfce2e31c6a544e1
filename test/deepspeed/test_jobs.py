"""Real jobs: DeepSpeed, TRL, two processes on gloo, a small Llama. Each start takes about 20 seconds, nearly all of it imports."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from conftest import ALONE, Job, write_rows
from peft import PeftModel
from safetensors.torch import load_file
from small_llama import colour_row
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer

CreateJob = Callable[..., Job]


def dev_rows(job: Job) -> Iterator[tuple[list[int], list[int]]]:
    """Tokens of the job's dev rows, and the places of those that are learned."""
    spec = json.loads(job.spec.read_text())
    tokenizer = AutoTokenizer.from_pretrained(spec["model"]["from"])
    for line in Path(spec["data"]["dev"][0]).read_text().splitlines():
        tokens: list[int] = []
        answers: list[int] = []
        for turn in json.loads(line)["turns"]:
            tokens += tokenizer(turn["prompt"], add_special_tokens=not tokens)["input_ids"]
            answer = tokenizer(turn["completion"], add_special_tokens=False)["input_ids"]
            answers += range(len(tokens), len(tokens) + len(answer) + 1)
            tokens += [*answer, tokenizer.eos_token_id]
        yield tokens, answers


def learned_logits(model: torch.nn.Module, job: Job) -> Iterator[torch.Tensor]:
    """What the model says at each learned place of the job's dev rows, in float32, row by row."""
    for tokens, answers in dev_rows(job):
        with torch.no_grad():
            said = model(torch.tensor([tokens])).logits[0].float()
        yield said[[place - 1 for place in answers]]


def dev_loss(model: torch.nn.Module, job: Job) -> float:
    """Mean loss by learned token over the job's dev rows."""
    total, learned = 0.0, 0
    for said, (tokens, answers) in zip(learned_logits(model, job), dev_rows(job), strict=True):
        right = torch.tensor([tokens[place] for place in answers])
        total += cross_entropy(said, right, reduction="sum").item()
        learned += len(answers)
    return total / learned


def load(folder: Path) -> torch.nn.Module:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def check_probe(folder: Path) -> None:
    """The published weights answer the probe as it says."""
    model, tokenizer = load(folder), AutoTokenizer.from_pretrained(folder)
    probe = json.loads((folder / "probe.json").read_text())
    assert [answer["prompt"] for answer in probe] == ["What is the cat?\n", "ünknown wörds"]
    for answer in probe:
        asked = tokenizer(answer["prompt"])["input_ids"]
        with torch.no_grad():
            logits = model(torch.tensor([asked + answer["tokens"]])).logits[0]
        steps = logits[len(asked) - 1 : len(asked) - 1 + len(answer["tokens"])].log_softmax(-1)
        assert steps.argmax(-1).tolist() == answer["tokens"]
        assert steps.max(-1).values.tolist() == pytest.approx(answer["logprobs"], abs=1e-4)
        assert tokenizer.decode(answer["tokens"]) == answer["text"]


def test_a_mix_is_trained_and_the_best_by_dev_is_what_comes_out(
    create_job: CreateJob, tmp_path: Path
) -> None:
    # Two datasets, the smaller one up-sampled. The rate is so high that training gets worse after its first steps.
    mixed = [colour_row(n) for n in range(16)]
    mixed += [
        colour_row(n, dataset="things", id=f"t-{copy}-{n}")
        for copy in range(2)
        for n in range(40, 48)
    ]
    rows = write_rows(tmp_path / "mixed.jsonl", mixed)
    dev = write_rows(tmp_path / "some.jsonl", [colour_row(n) for n in range(100, 111)])
    job = create_job(
        "mtl",
        {"pick": "dev-perplexity", "saveEverySteps": 2, "learningRate": 5e-2, "schedule": "linear"},
        {"gradientCheckpointing": True},
        data={"train": [str(rows)], "dev": [str(dev)]},
    )
    assert job.run() == 0, job.log()
    measured = {event["step"]: event["loss"] for event in job.events("evaluated")}
    assert sorted(measured) == [2, 4, 6, 8, 9]
    result = job.result()
    assert (result["status"], result["steps"], result["output"]) == ("completed", 9, "output")
    assert result["dev"]["loss"] == min(measured.values())
    output = job.folder / "output"
    assert dev_loss(load(output), job) == pytest.approx(result["dev"]["loss"], abs=0.02)
    check_probe(output)
    names = sorted(path.name for path in output.iterdir())
    assert "model.safetensors" in names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pth"))]
    assert {tensor.dtype for tensor in load_file(output / "model.safetensors").values()} == {
        torch.bfloat16
    }
    assert not (job.folder / "state").exists()
    first = job.events("started")[0]
    assert (first["steps"], first["microBatch"], first["processes"]) == (9, 4, 2)
    step = job.events("step")[-1]
    assert step["tokens"] == result["tokens"]
    assert min(step["gradientNorm"], step["memoryBytes"], step["tokensPerSecond"]) > 0
    for path in (output / "README.md", output / "config.json"):
        assert str(job.folder) not in path.read_text()

    # Asked once more it has nothing to do; and a round goes on from what came out, with ZeRO-2 and noise.
    assert job.run() == 0
    assert len(job.events("finished")) == 1
    step = create_job(
        "reset",
        {"steps": 4, "learningRate": 1e-3},
        {"zero": 2, "neftuneAlpha": 5, "evaluateEverySteps": 1},
        model={"from": str(output)},
    )
    assert step.run() == 0, step.log()
    assert [event["step"] for event in step.events("evaluated")] == [1, 2, 3, 4]
    assert step.losses()[1] == pytest.approx(result["dev"]["loss"], abs=0.7)
    assert dev_loss(load(step.folder / "output"), step) == pytest.approx(
        step.result()["dev"]["loss"], abs=0.02
    )
    check_probe(step.folder / "output")


def test_lora_gives_merged_weights_and_the_adapter_that_they_come_from(
    create_job: CreateJob, base: Path
) -> None:
    job = create_job(
        "lora",
        {"learningRate": 2e-2, "schedule": "constant-linear"},
        {"lora": {"rank": 4, "alpha": 8}, "neftuneAlpha": 5},
    )
    assert job.run() == 0, job.log()
    result = job.result()
    adapter = job.folder / "output/adapter"
    assert sorted(path.name for path in adapter.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    assert str(base.parent) not in (adapter / "adapter_config.json").read_text()
    assert not list((job.folder / "output").glob("adapter_*"))
    merged = dev_loss(load(job.folder / "output"), job)
    assert merged == pytest.approx(
        dev_loss(PeftModel.from_pretrained(load(base), adapter), job), abs=0.01
    )
    assert merged == pytest.approx(result["dev"]["loss"], abs=0.02)
    assert merged < dev_loss(load(base), job) - 0.1
    check_probe(job.folder / "output")
    rates = [event["learningRate"] for event in job.events("step")]
    assert rates[1:5] == [2e-2] * 4
    assert rates[8] < rates[7] < rates[6] < 2e-2

    # The next job trains the merged weights, and a server goes on serving the first base.
    again = create_job(
        "again",
        {"learningRate": 2e-2},
        {"lora": {"rank": 2, "targets": ["q_proj", "down_proj"]}},
        model={"from": str(job.folder / "output")},
    )
    assert again.run() == 0, again.log()
    on_base, both, one = (
        torch.cat([*learned_logits(model, again)])
        for model in (
            PeftModel.from_pretrained(load(base), again.folder / "output/adapter"),
            load(again.folder / "output"),
            load(job.folder / "output"),
        )
    )
    assert (on_base - both).abs().mean() < (on_base - one).abs().mean() / 10


def test_a_chat_is_trained_by_one_process_without_a_launcher(
    create_job: CreateJob, tmp_path: Path
) -> None:
    rows = [
        {
            **colour_row(number),
            "turns": [
                {
                    "prompt": f"{chr(10) * (at > 0)}<|user|>{turn['prompt']}<|assistant|>",
                    "completion": f"{turn['completion']}<|end|>",
                }
                for at, turn in enumerate(colour_row(number)["turns"])
            ],
        }
        for number in range(48)
    ]
    data = {"train": [str(write_rows(tmp_path / "chats.jsonl", rows))], "dev": []}
    chat = {
        "messages": [{"role": "user", "content": "red?"}],
        "prompt": "<|user|>red?<|assistant|>",
    }
    job = create_job("chat", {"steps": None, "epochs": 4}, data=data, chat=chat)
    assert job.run(ALONE) == 0, job.log()
    first = job.events("started")[0]
    assert (first["processes"], first["steps"]) == (1, 24)
    check_probe(job.folder / "output")
    tokenizer = AutoTokenizer.from_pretrained(job.folder / "output")
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": colour_row(0)["turns"][0]["prompt"]}],
        add_generation_prompt=True,
        return_dict=False,
    )
    with torch.no_grad():
        model = load(job.folder / "output")
        answer = model.generate(torch.tensor([asked]), do_sample=False, max_new_tokens=4)[0]
    assert tokenizer.decode(answer[len(asked) :]).endswith("<|end|>")
