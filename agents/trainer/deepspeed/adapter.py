"""
The LoRA adapter inside the folder of the model that it was merged into, for a server that loads it onto the model that it goes on serving.

A job trains its adapter on the merged weights of the job before (as in Chain of LoRA, arXiv 2401.04151); the server has those that the
first one was trained on. Products add up, W + s B A + s' B' A' = W + [s B, s' B'] [A; A'], so what is written is one adapter of all jobs
since, its rank the sum of theirs.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from safetensors.torch import load_file, save_file

FOLDER = "adapter"
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


@dataclass
class Adapter:
    config: dict[str, Any]
    weights: dict[str, torch.Tensor]

    @classmethod
    def read(cls, folder: Path) -> Self:
        return cls(json.loads((folder / CONFIG).read_text()), load_file(folder / WEIGHTS))

    def part(self, key: str, other: "Adapter") -> torch.Tensor:
        """A matrix of it with its scale in B, zeros where only the other adapter has the layer: A is [rank, in], B is [out, rank]."""
        axis, rank = rank_axis(key), self.config["r"]
        if key not in self.weights:
            shape = list(other.weights[key].shape)
            shape[axis] = rank
            return torch.zeros(shape)
        scale = 1 if axis == 0 else self.config["lora_alpha"] / rank
        return self.weights[key].float() * scale


def has_adapter(folder: Path) -> bool:
    return (folder / CONFIG).exists()


def write_adapter(model: Path, checkpoint: Path, base: Path) -> None:
    """Writes a checkpoint that is an adapter into the folder of its merged model, behind the one that `base` has already."""
    if not has_adapter(checkpoint):
        return
    adapter = Adapter.read(checkpoint)
    adapter.config["base_model_name_or_path"] = base.name
    if has_adapter(base / FOLDER):
        adapter = stacked(Adapter.read(base / FOLDER), adapter)
    # Of a set, in any order.
    adapter.config["target_modules"] = sorted(adapter.config["target_modules"])
    folder = model / FOLDER
    folder.mkdir()
    (folder / CONFIG).write_text(json.dumps(adapter.config, indent=2, sort_keys=True) + "\n")
    save_file(adapter.weights, folder / WEIGHTS, metadata={"format": "pt"})


def stacked(one: Adapter, other: Adapter) -> Adapter:
    """Both at once, on the model that the first was trained on."""
    rank = one.config["r"] + other.config["r"]
    config = {
        **other.config,
        "base_model_name_or_path": one.config["base_model_name_or_path"],
        "target_modules": [*{*one.config["target_modules"], *other.config["target_modules"]}],
        "r": rank,
        # A scale of 1.
        "lora_alpha": rank,
    }
    # Layers that it has whole, such as embeddings, are the base's own.
    keys = [key for key in {**one.weights, **other.weights} if ".lora_" in key]
    weights = {
        key: torch.cat([one.part(key, other), other.part(key, one)], dim=rank_axis(key))
        for key in keys
    }
    return Adapter(config, weights)


def rank_axis(key: str) -> int:
    """The axis of the rank: layers have `lora_A` and `lora_B`, embeddings `lora_embedding_A` and `lora_embedding_B`."""
    return 0 if "_A" in key.rsplit(".lora", 1)[1] else 1
