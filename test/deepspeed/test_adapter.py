"""The adapter beside a merged model: one for the model that the first job began with, however many jobs there were."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from adapter import write_adapter
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, PreTrainedModel

TOKENS = torch.tensor([[5, 9, 2, 14, 3]])


def load(folder: Path) -> PreTrainedModel:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return model(TOKENS).logits


def train(base: Path, folder: Path, **lora: Any) -> Path:
    """The folder of a merged model, of an adapter that moves `base`."""
    adapted = get_peft_model(
        load(base), LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, **lora)
    )
    checkpoint = folder.with_name(f"{folder.name}-checkpoint")
    adapted.save_pretrained(checkpoint)
    adapted.merge_and_unload().save_pretrained(folder)
    write_adapter(folder, checkpoint, base)
    return folder


def config_of(model: Path) -> dict[str, Any]:
    return json.loads((model / "adapter/adapter_config.json").read_text())


@pytest.fixture
def rounds(base: Path, tmp_path: Path) -> list[Path]:
    one = train(base, tmp_path / "one", r=4, lora_alpha=8, target_modules="all-linear")
    two = train(one, tmp_path / "two", r=2, lora_alpha=3, target_modules=["q_proj", "embed_tokens"])
    return [one, two, train(two, tmp_path / "three", r=8, lora_alpha=8, target_modules=["o_proj"])]


def test_on_the_first_base_it_says_what_the_merged_model_says(
    base: Path, rounds: list[Path]
) -> None:
    said = logits(load(base))
    for model in rounds:
        on_base = logits(PeftModel.from_pretrained(load(base), model / "adapter"))
        torch.testing.assert_close(on_base, logits(load(model)), atol=1e-4, rtol=1e-4)
        assert (on_base - said).abs().max() > 0.01
        said = on_base


def test_its_rank_is_the_sum_of_theirs_and_its_base_that_of_the_first(
    base: Path, rounds: list[Path]
) -> None:
    configs = [config_of(model) for model in rounds]
    assert [config["r"] for config in configs] == [4, 6, 14]
    assert {config["base_model_name_or_path"] for config in configs} == {base.name}
    linear, modules = configs[0]["target_modules"], configs[2]["target_modules"]
    assert modules == sorted({*linear, "q_proj", "embed_tokens", "o_proj"})


def test_a_model_that_was_trained_whole_has_none(base: Path, tmp_path: Path) -> None:
    model, checkpoint = tmp_path / "model", tmp_path / "checkpoint"
    load(base).save_pretrained(checkpoint)
    model.mkdir()
    write_adapter(model, checkpoint, base)
    assert list(model.iterdir()) == []
