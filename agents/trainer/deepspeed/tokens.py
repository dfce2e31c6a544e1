"""
How a training row becomes tokens.

The tokens of a prompt are those that a model server's `/v1/completions` makes of the same text: the tokenizer's own, with its special
tokens. Chats come as text too, written by the tokenizer's chat template, and a completion ends as the template ends a turn. They begin
with <s> once, whoever writes it; a tokenizer that puts a space before the first word does so behind it.
"""

from typing import TypedDict

from failure import TrainingFailure
from jinja2 import Undefined
from spec import Chat
from transformers import PreTrainedTokenizerBase

IGNORED = -100


class Turn(TypedDict):
    prompt: str
    completion: str


class Tokens(TypedDict):
    """One sequence; `labels` repeat the tokens that are learned and hold -100 elsewhere."""

    input_ids: list[int]
    labels: list[int]


class RowTokenizer:
    """`ends` are the tokens that end a generation: the tokenizer's and those of the model's generation config."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        *,
        completion_only: bool,
        ends: set[int],
        max_length: int | None,
        positions: int,
    ) -> None:
        self.tokenizer = tokenizer
        self.completion_only = completion_only
        self.ends = ends
        self.max_length = max_length
        self.positions = positions

    def prompt(self, text: str) -> list[int]:
        """The tokens of a first prompt, as a model server makes them."""
        return self.tokenizer(text)["input_ids"]

    def row(self, turns: list[Turn], place: str) -> Tokens:
        """
        A row, cut at the end to the longest that is allowed. TrainingFailure 'bad-data' names the place of one that cannot be learned:
        no token of it, or less than half of an answer that would have room but for its prompt.
        """
        tokens, learned = self._turns(turns)
        longest = min(self.max_length or self.positions, self.positions)
        self._check_prompt(learned, longest, place)
        labels = [
            token if is_learned or not self.completion_only else IGNORED
            for token, is_learned in zip(tokens, learned, strict=True)
        ][:longest]
        # The first token is predicted from nothing, so it is never learned.
        if all(label == IGNORED for label in labels[1:]):
            raise TrainingFailure(
                "bad-data",
                f"{place}: no token to learn within the first {longest} tokens; "
                "shorten the prompt or raise training.options.maxLength",
            )
        return {"input_ids": tokens[:longest], "labels": labels}

    def _check_prompt(self, learned: list[bool], longest: int, place: str) -> None:
        """A cut may take the end of a long answer; the answer to a long prompt it would take whole."""
        prompt = learned.index(True)
        end = learned.index(False, prompt) if False in learned[prompt:] else len(learned)
        answer = end - prompt
        if answer <= longest // 2 and longest - prompt < answer / 2:
            raise TrainingFailure(
                "bad-data",
                f"{place}: its prompt has {prompt} of the {longest} tokens of a row, which leaves less than half of its answer; "
                "shorten the prompt or raise training.options.maxLength",
            )

    def _turns(self, turns: list[Turn]) -> tuple[list[int], list[bool]]:
        """Each turn's prompt, completion and the token that ends it, one after the other."""
        text = ""
        tokens: list[int] = []
        learned: list[bool] = []
        for turn in turns:
            asked = self._continue(tokens, text, turn["prompt"])
            text += turn["prompt"]
            answered = self._continue([*tokens, *asked], text, turn["completion"])
            text += turn["completion"]
            if not answered or answered[-1] not in self.ends:
                answered.append(self.tokenizer.eos_token_id)
                text += self.tokenizer.eos_token
            tokens += asked + answered
            learned += [False] * len(asked) + [True] * len(answered)
        return tokens, learned

    def _continue(self, before: list[int], text: str, more: str) -> list[int]:
        """
        The tokens of `more` behind those of the `text` before it. A tokenizer that sees both at once says so, unless it joins the two
        where they meet.
        """
        tokens = self.tokenizer(text + more)["input_ids"]
        if tokens[: len(before)] == before:
            return tokens[len(before) :]
        return self.tokenizer(more, add_special_tokens=False)["input_ids"]


def check_chat(tokenizer: PreTrainedTokenizerBase, chat: Chat) -> None:
    """
    TrainingFailure 'bad-spec' unless the run writes the messages as the tokenizer's chat template does, but for what the tokenizer puts
    before every text.
    """
    if tokenizer.chat_template is None:
        raise TrainingFailure("bad-spec", "chat: the tokenizer has no chat template")
    # The run's templates know no time: its rows are the same on every day.
    own = tokenizer.apply_chat_template(
        chat["messages"], add_generation_prompt=True, tokenize=False, strftime_now=Undefined()
    )
    own = own.removeprefix(tokenizer.decode(tokenizer("")["input_ids"]))
    if chat["prompt"] != own:
        raise TrainingFailure(
            "bad-spec",
            f"chat: the run writes {chat['prompt']!r}, the tokenizer's chat template {own!r}; "
            "mend the template so that both write the same, or use template alpaca or vicuna",
        )
