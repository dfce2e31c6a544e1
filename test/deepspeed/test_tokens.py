"""A prompt's tokens are the same in training, sampling and evaluation; what is learned are answers and where they end."""

from pathlib import Path
from typing import Any

import pytest
from conftest import prompts_of
from failure import TrainingFailure
from tokens import IGNORED, RowTokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerBase

CONTEXT = "Ada lives in Oslo.\nBob lives in Rome."


@pytest.fixture(scope="module")
def tokenizer(base: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(base)


@pytest.fixture(scope="module")
def rows_of(tokenizer: PreTrainedTokenizerBase) -> Any:
    def create(**changes: Any) -> RowTokenizer:
        usual = {
            "completion_only": True,
            "ends": {1, 5},
            "max_length": None,
            "positions": 512,
        }
        return RowTokenizer(tokenizer, **{**usual, **changes})

    return create


def learned(tokens: Any) -> list[int]:
    pairs = zip(tokens["input_ids"], tokens["labels"], strict=True)
    assert all(label in (IGNORED, token) for token, label in pairs)
    return [label for label in tokens["labels"] if label != IGNORED]


@pytest.mark.parametrize("template", ["plain", "alpaca", "vicuna"])
def test_a_prompt_has_the_tokens_that_a_completions_server_makes_of_it_everywhere(
    rows_of: Any, tokenizer: PreTrainedTokenizerBase, template: str
) -> None:
    written = prompts_of(template, context=CONTEXT)
    turn = written["trained"]
    served = tokenizer(written["sampled"]["prompt"])["input_ids"]
    assert tokenizer(written["evaluated"]["prompt"])["input_ids"] == served
    assert served[0] == tokenizer.bos_token_id
    assert served.count(tokenizer.bos_token_id) == 1
    rows = rows_of()
    assert rows.prompt(turn["prompt"]) == served
    row = rows.row([turn], "here")
    assert row["input_ids"][: len(served)] == served
    assert row["labels"][: len(served)] == [IGNORED] * len(served)
    assert tokenizer.decode(learned(row)) == " Oslo</s>"
    assert row["input_ids"] == [*tokenizer(turn["prompt"] + turn["completion"])["input_ids"], 1]


def test_a_completion_that_ends_itself_gets_no_other_end(
    rows_of: Any, tokenizer: PreTrainedTokenizerBase
) -> None:
    turns = [
        {"prompt": "<|user|>red?<|assistant|>", "completion": "no<|end|>"},
        {"prompt": "\n<|user|>blue?<|assistant|>", "completion": "yes<|end|>"},
    ]
    row = rows_of().row(turns, "here")
    assert tokenizer.decode(row["input_ids"]) == (
        "<s><|user|>red?<|assistant|>no<|end|>\n<|user|>blue?<|assistant|>yes<|end|>"
    )
    assert tokenizer.decode(learned(row)) == "no<|end|>yes<|end|>"


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
    turn = prompts_of("alpaca", context=CONTEXT)["trained"]
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
