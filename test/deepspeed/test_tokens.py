"""A prompt's tokens are the same in training, sampling and evaluation; what is learned are answers and where they end."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from failure import TrainingFailure
from tokens import IGNORED, RowTokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerBase

EXAMPLE = {
    "id": "0" * 16,
    "dataset": "nq",
    "kind": "extractive_qa",
    "instruction": None,
    "context": "Ada lives in Oslo.\nBob lives in Rome.",
    "question": "Where does Ada live?",
    "references": ["Oslo"],
}


@pytest.fixture(scope="module")
def tokenizer(base: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(base)


@pytest.fixture(scope="module")
def rows_of(tokenizer: PreTrainedTokenizerBase) -> Any:
    def create(**changes: Any) -> RowTokenizer:
        usual = {
            "chat": False,
            "completion_only": True,
            "ends": {1, 5},
            "max_length": None,
            "positions": 512,
        }
        return RowTokenizer(tokenizer, **{**usual, **changes})

    return create


def render(template: str) -> dict[str, str]:
    """Prompt and completion as the curator writes them into rows, and the sampler sends them."""
    module = ROOT / "dist/agents/curator/dataset/template.js"
    script = (
        f"const {{ renderPrompt, renderCompletion }} = await import({json.dumps(str(module))});"
        f"const example = {json.dumps(EXAMPLE)};"
        f"console.log(JSON.stringify({{ prompt: renderPrompt({json.dumps(template)}, example),"
        " completion: renderCompletion('Oslo') }))"
    )
    command = ["node", "--input-type=module", "-e", script]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def learned(tokens: Any) -> list[int]:
    pairs = zip(tokens["input_ids"], tokens["labels"], strict=True)
    assert all(label in (IGNORED, token) for token, label in pairs)
    return [label for label in tokens["labels"] if label != IGNORED]


@pytest.mark.parametrize("template", ["plain", "alpaca", "vicuna"])
def test_a_text_prompt_has_the_tokens_that_a_completions_server_makes_of_it(
    rows_of: Any, tokenizer: PreTrainedTokenizerBase, template: str
) -> None:
    turn = render(template)
    served = tokenizer(turn["prompt"])["input_ids"]
    assert served[0] == tokenizer.bos_token_id
    assert served.count(tokenizer.bos_token_id) == 1
    rows = rows_of()
    assert rows.prompt(turn["prompt"]) == served
    row = rows.row([turn], "here")
    assert row["input_ids"][: len(served)] == served
    assert row["labels"][: len(served)] == [IGNORED] * len(served)
    assert tokenizer.decode(learned(row)) == " Oslo</s>"
    assert row["input_ids"] == [*tokenizer(turn["prompt"] + turn["completion"])["input_ids"], 1]


def test_a_chat_prompt_has_the_tokens_of_the_tokenizers_template(
    rows_of: Any, tokenizer: PreTrainedTokenizerBase
) -> None:
    message = render("vicuna")["prompt"]
    # What /v1/chat/completions does.
    served = tokenizer.apply_chat_template(
        [{"role": "user", "content": message}], add_generation_prompt=True, return_dict=False
    )
    rows = rows_of(chat=True)
    assert rows.prompt(message) == served
    row = rows.row([{"prompt": message, "completion": "Oslo"}], "here")
    assert row["input_ids"][: len(served)] == served
    assert served.count(tokenizer.bos_token_id) == 1


def test_a_chat_learns_the_assistants_turns_up_to_the_token_that_ends_each(
    rows_of: Any, tokenizer: PreTrainedTokenizerBase
) -> None:
    turns = [{"prompt": "red?", "completion": "no"}, {"prompt": "blue?", "completion": "yes"}]
    row = rows_of(chat=True).row(turns, "here")
    assert tokenizer.decode(learned(row)) == "no<|end|>yes<|end|>"
    assert tokenizer.decode(row["input_ids"]) == (
        "<s><|user|>red?<|assistant|>no<|end|>\n<|user|>blue?<|assistant|>yes<|end|>\n"
    )


def test_turns_of_text_follow_each_other_and_each_answer_ends(
    rows_of: Any, tokenizer: PreTrainedTokenizerBase
) -> None:
    turns = [{"prompt": "red?\n", "completion": " no"}, {"prompt": "blue?\n", "completion": " yes"}]
    row = rows_of().row(turns, "here")
    assert tokenizer.decode(row["input_ids"]) == "<s>red?\n no</s>blue?\n yes</s>"
    assert tokenizer.decode(learned(row)) == " no</s> yes</s>"


def test_prompts_are_learned_too_where_the_job_says_so(rows_of: Any) -> None:
    row = rows_of(completion_only=False).row([{"prompt": "red?\n", "completion": " no"}], "here")
    assert row["labels"] == row["input_ids"]


def test_a_long_answer_loses_its_end_by_max_length_or_where_the_model_has_no_more_positions(
    rows_of: Any,
) -> None:
    turn = {"prompt": "red?\n", "completion": " no" * 40}
    whole = rows_of().row([turn], "here")
    for limits in ({"max_length": 30}, {"positions": 30}, {"max_length": 90, "positions": 30}):
        cut = rows_of(**limits).row([turn], "here")
        assert cut == {key: values[:30] for key, values in whole.items()}
        assert len(learned(cut)) == 30 - len(rows_of().prompt(turn["prompt"]))


def test_an_answer_that_a_long_prompt_leaves_too_little_room_for_is_refused_by_place(
    rows_of: Any,
) -> None:
    turn = render("alpaca")
    prompt = len(rows_of().prompt(turn["prompt"]))
    answer = len(learned(rows_of().row([turn], "here")))
    half = (answer + 1) // 2
    cut = rows_of(max_length=prompt + half).row([turn], "here")
    assert (len(cut["input_ids"]), len(learned(cut))) == (prompt + half, half)
    for limits in ({"max_length": prompt + half - 1}, {"positions": 20}):
        with pytest.raises(
            TrainingFailure, match=rf"rows\.jsonl:3: its prompt has {prompt} of"
        ) as caught:
            rows_of(**limits).row([turn], "rows.jsonl:3")
        assert caught.value.kind == "bad-data"


def test_a_row_with_nothing_left_to_learn_is_refused_by_place(rows_of: Any) -> None:
    turn = {"prompt": "red? " * 20, "completion": " no" * 40}
    with pytest.raises(TrainingFailure, match=r"rows\.jsonl:3: no token to learn"):
        rows_of(max_length=20).row([turn], "rows.jsonl:3")


def test_a_template_that_rewrites_earlier_turns_is_refused(base: Path, rows_of: Any) -> None:
    rows = rows_of(chat=True)
    rows.tokenizer = AutoTokenizer.from_pretrained(base)
    rows.tokenizer.chat_template = (
        "{% for message in messages %}{{ message['content'] if loop.last else '…' }}{% endfor %}"
    )
    with pytest.raises(TrainingFailure, match="rewrites earlier turns"):
        rows.row([{"prompt": "red?", "completion": "no"}], "here")


def test_a_template_that_never_ends_the_assistants_turn_is_refused(
    base: Path, rows_of: Any
) -> None:
    rows = rows_of(chat=True)
    rows.tokenizer = AutoTokenizer.from_pretrained(base)
    rows.tokenizer.chat_template = (
        "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    )
    with pytest.raises(TrainingFailure, match="no token that ends a generation"):
        rows.row([{"prompt": "red?", "completion": "no"}], "here")
