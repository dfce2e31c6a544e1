"""What others' programs take for the pairs in a JSONL file (argv[1]): one JSON line for each measure, with answers a second of
processor time and the sum of the values. Google's rouge_score, and SQuAD 1.1's evaluate-v1.1.py: its functions written down here.
"""

import json
import re
import string
import sys
import time
from collections import Counter

from rouge_score import rouge_scorer

SECONDS = 1.0


def normalize_answer(s):
    def remove_articles(text):
        return re.sub(r"\b(a|an|the)\b", " ", text)

    def white_space_fix(text):
        return " ".join(text.split())

    def remove_punc(text):
        exclude = set(string.punctuation)
        return "".join(ch for ch in text if ch not in exclude)

    return white_space_fix(remove_articles(remove_punc(s.lower())))


def f1_score(prediction, ground_truth):
    prediction_tokens = normalize_answer(prediction).split()
    ground_truth_tokens = normalize_answer(ground_truth).split()
    common = Counter(prediction_tokens) & Counter(ground_truth_tokens)
    num_same = sum(common.values())
    if num_same == 0:
        return 0
    precision = 1.0 * num_same / len(prediction_tokens)
    recall = 1.0 * num_same / len(ground_truth_tokens)
    return (2 * precision * recall) / (precision + recall)


def exact_match_score(prediction, ground_truth):
    return normalize_answer(prediction) == normalize_answer(ground_truth)


def best(metric):
    return lambda answer, references: max(metric(answer, one) for one in references)


def rouge(variants):
    scorer = rouge_scorer.RougeScorer(variants, use_stemmer=False)
    return lambda answer, references: scorer.score_multi(references, answer)["rougeL"].fmeasure


MEASURES = {
    "exact-match": best(exact_match_score),
    "squad-f1": best(f1_score),
    "rougeL": rouge(["rougeL"]),
    "rouge, four variants": rouge(["rouge1", "rouge2", "rougeL", "rougeLsum"]),
}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        pairs = [json.loads(line) for line in file]
    for name, measure in MEASURES.items():
        start = time.process_time()
        answers = 0
        while time.process_time() - start < SECONDS:
            total = sum(measure(one["answer"], one["references"]) for one in pairs)
            answers += len(pairs)
        rate = answers / (time.process_time() - start)
        print(json.dumps({"measure": name, "perSecond": rate, "sum": total}))


main()
