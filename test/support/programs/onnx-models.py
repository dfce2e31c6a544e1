"""Makes small ONNX sequence classifiers with random weights, and what they say of the pairs in pairs.json.

    python onnx-models.py <folder>

writes <folder>/<model>/{model.onnx,config.json,tokenizer.json,...} and <folder>/expected.json: by model, for each pair its token ids
after truncation as tokenizers does it (`only_first`), and the probabilities of the labels in the order of the model.
"""
import json, sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

root = Path(sys.argv[1])
pairs = json.loads((root / "pairs.json").read_text())
corpus = [text for pair in pairs for text in pair]
WIDTH = 16


def wordpiece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(corpus, trainers.WordPieceTrainer(vocab_size=300, special_tokens=special))
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        corpus, trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return tokenizer


def unigram():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Replace("``", '"'), normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    special = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(
        corpus, trainers.UnigramTrainer(vocab_size=300, special_tokens=special, unk_token="<unk>")
    )
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def network(vocabulary, positions, offset, inputs, seed):
    """Token, position and type embeddings, one head of attention over what is no padding, its first place to three logits."""
    random = np.random.default_rng(seed)
    weights = {
        "tokens": random.normal(0, 1, (vocabulary, WIDTH)),
        "positions": random.normal(0, 1, (positions, WIDTH)),
        "types": random.normal(0, 1, (2, WIDTH)),
        # Weak, so that attention is wide and every token counts.
        "query": random.normal(0, 0.1, (WIDTH, WIDTH)),
        "key": random.normal(0, 0.1, (WIDTH, WIDTH)),
        "value": random.normal(0, 2, (WIDTH, WIDTH)),
        "head": random.normal(0, 0.3, (WIDTH, 3)),
    }
    constants = {
        "zero": np.int64(0), "one": np.int64(1), "offset": np.int64(offset), "axis_1": np.array([1]),
        "far": np.float32(-1e4), "unit": np.float32(1), "first": np.int64(0),
    }
    nodes = [
        helper.make_node("Gather", ["tokens", "input_ids"], ["token_vectors"]),
        helper.make_node("Shape", ["input_ids"], ["shape"]),
        helper.make_node("Gather", ["shape", "one"], ["length"]),
        helper.make_node("Range", ["zero", "length", "one"], ["places_from_0"]),
        helper.make_node("Add", ["places_from_0", "offset"], ["places"]),
        helper.make_node("Gather", ["positions", "places"], ["position_vectors"]),
        helper.make_node("Add", ["token_vectors", "position_vectors"], ["with_positions"]),
    ]
    hidden = "with_positions"
    if "token_type_ids" in inputs:
        nodes += [
            helper.make_node("Gather", ["types", "token_type_ids"], ["type_vectors"]),
            helper.make_node("Add", [hidden, "type_vectors"], ["with_types"]),
        ]
        hidden = "with_types"
    for name in ("query", "key", "value"):
        nodes.append(helper.make_node("MatMul", [hidden, name], [f"{name}_vectors"]))
    nodes += [
        helper.make_node("Transpose", ["key_vectors"], ["key_columns"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["query_vectors", "key_columns"], ["scores"]),
    ]
    scores = "scores"
    if "attention_mask" in inputs:
        nodes += [
            helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
            helper.make_node("Sub", ["unit", "mask"], ["hidden_places"]),
            helper.make_node("Mul", ["hidden_places", "far"], ["penalty"]),
            helper.make_node("Unsqueeze", ["penalty", "axis_1"], ["penalties"]),
            helper.make_node("Add", ["scores", "penalties"], ["masked_scores"]),
        ]
        scores = "masked_scores"
    nodes += [
        helper.make_node("Softmax", [scores], ["shares"], axis=-1),
        helper.make_node("MatMul", ["shares", "value_vectors"], ["attended"]),
        helper.make_node("Tanh", ["attended"], ["bent"]),
        helper.make_node("Gather", ["bent", "first"], ["pooled"], axis=1),
        helper.make_node("MatMul", ["pooled", "head"], ["logits"]),
    ]
    initial = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    initial += [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "classifier",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in inputs],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])],
        [tensor for tensor in initial if tensor.name in used],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


MODELS = {
    # Neutral first, data beside the model, a limit of its own below 500.
    "bert": dict(
        tokenizer=wordpiece, inputs=["input_ids", "attention_mask", "token_type_ids"], positions=96, offset=0, data=True,
        config={"model_type": "bert", "pad_token_id": 0, "max_position_embeddings": 96,
                "id2label": {"0": "neutral", "1": "contradiction", "2": "entailment"}},
    ),
    # Contradiction first, no types, positions behind the padding token.
    "roberta": dict(
        tokenizer=byte_level, inputs=["input_ids", "attention_mask"], positions=130, offset=2, data=False,
        config={"model_type": "roberta", "pad_token_id": 1, "max_position_embeddings": 130,
                "id2label": {"0": "CONTRADICTION", "1": "NEUTRAL", "2": "ENTAILMENT"}},
    ),
    # The names and the order of VitaminC, and more positions than SummaC uses.
    "albert": dict(
        tokenizer=unigram, inputs=["input_ids", "attention_mask", "token_type_ids"], positions=512, offset=0, data=False,
        config={"model_type": "albert", "pad_token_id": 0, "max_position_embeddings": 512,
                "id2label": {"0": "SUPPORTS", "1": "REFUTES", "2": "NOT ENOUGH INFO"}},
    ),
    # Cannot tell its padding.
    "maskless": dict(
        tokenizer=wordpiece, inputs=["input_ids"], positions=96, offset=0, data=False,
        config={"model_type": "bert", "pad_token_id": 0, "max_position_embeddings": 96,
                "id2label": {"0": "entailment", "1": "neutral", "2": "contradiction"}},
    ),
}

expected = {}
for seed, (name, made) in enumerate(MODELS.items()):
    folder = root / name
    folder.mkdir()
    tokenizer = made["tokenizer"]()
    # What transformers leaves in the file after a call; it must not matter.
    tokenizer.enable_truncation(9)
    tokenizer.enable_padding(length=11)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps(made["config"]))
    model = network(tokenizer.get_vocab_size(), made["positions"], made["offset"], made["inputs"], seed)
    onnx.checker.check_model(model)
    onnx.save_model(
        model, str(folder / "model.onnx"), save_as_external_data=made["data"], location="model.onnx_data", size_threshold=256
    )
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    tokenizer.no_padding()
    tokenizer.enable_truncation(min(500, made["positions"] - made["offset"]), strategy="only_first")
    rows = []
    for premise, hypothesis in pairs:
        encoded = tokenizer.encode(premise, hypothesis)
        given = {"input_ids": encoded.ids, "attention_mask": encoded.attention_mask, "token_type_ids": encoded.type_ids}
        (logits,) = session.run(None, {key: np.array([given[key]], np.int64) for key in made["inputs"]})
        powers = np.exp(logits[0].astype(np.float64) - logits[0].max())
        rows.append({"tokens": len(encoded.ids), "probabilities": (powers / powers.sum()).tolist()})
    expected[name] = {"rows": rows, "labels": list(made["config"]["id2label"].values())}

(root / "expected.json").write_text(json.dumps(expected))
