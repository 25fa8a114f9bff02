"""A GGUF of random weights with the matrices of a LongCat-Flash-Lite shape, dressed as DeepSeek-2.

The peers do not know the family. A shortcut layer (two attentions, two dense blocks, one mixture of experts) becomes two
DeepSeek-2 layers: one attention with a dense block, one attention with a mixture of experts and the other dense block as its
shared expert. Identity experts are left out: a token takes as many real experts as it takes on average in the model.
N-gram tables are left out. Formats are those of Nestor's presets: what q4 keeps at eight bits is Q8_0 here too, but for
the two halves of kv_b, which are bf16: others are repacked for a processor with AMX, and then llama.cpp stops, because
its product there wants contiguous activations. Of bf16 everything is bf16."""

import gguf
import numpy as np

BLOCK_BYTES = {"q4": 18, "q8": 34, "bf16": 64}  # of 32 weights: one fp16 scale and the codes
TYPES = {"q4": gguf.GGMLQuantizationType.Q4_0,
         "q8": gguf.GGMLQuantizationType.Q8_0, "bf16": gguf.GGMLQuantizationType.BF16}


def real_experts(config):
    """Picks that are real experts, on average over tokens whose picks are uniform."""
    return config["moe_topk"] * config["n_routed_experts"] // (config["n_routed_experts"] + config["zero_expert_num"])


def matrices(config, weights):
    """(name, shape with the summed dimension last, format, times that a token reads it); experts count by those picked."""
    hidden, heads, vocabulary = config["hidden_size"], config["num_attention_heads"], config["vocab_size"]
    q_rank, kv_rank = config["q_lora_rank"], config["kv_lora_rank"]
    nope, rope, value = config["qk_nope_head_dim"], config["qk_rope_head_dim"], config["v_head_dim"]
    dense, inner = config["ffn_hidden_size"], config["expert_ffn_hidden_size"]
    experts = config["n_routed_experts"]
    assert dense % inner == 0, "the shared expert is as wide as a whole number of experts"
    sensitive = "bf16" if weights == "bf16" else "q8"
    yield "token_embd.weight", (vocabulary, hidden), sensitive, 0
    yield "output.weight", (vocabulary, hidden), sensitive, 1
    for layer in range(2 * config["num_layers"]):
        at = f"blk.{layer}."
        yield at + "attn_q_a.weight", (q_rank, hidden), sensitive, 1
        yield at + "attn_q_b.weight", (heads * (nope + rope), q_rank), weights, 1
        yield at + "attn_kv_a_mqa.weight", (kv_rank + rope, hidden), sensitive, 1
        yield at + "attn_k_b.weight", (heads, kv_rank, nope), "bf16", 1
        yield at + "attn_v_b.weight", (heads, value, kv_rank), "bf16", 1
        yield at + "attn_output.weight", (hidden, heads * value), weights, 1
        # DeepSeek-2 has its dense layers first.
        names = ("ffn_gate", "ffn_up", "ffn_down")
        suffix = "" if layer < config["num_layers"] else "_shexp"
        for name in names:
            shape = (hidden, dense) if name == "ffn_down" else (dense, hidden)
            yield f"{at}{name}{suffix}.weight", shape, weights, 1
        if layer < config["num_layers"]:
            continue
        for name in names:
            shape = (hidden, inner) if name == "ffn_down" else (inner, hidden)
            yield f"{at}{name}_exps.weight", (experts, *shape), weights, real_experts(config) / experts


def bytes_of(shape, form):
    return int(np.prod(shape)) // 32 * BLOCK_BYTES[form]


def bytes_per_token(config, weights):
    return sum(bytes_of(shape, form) * share for _, shape, form, share in matrices(config, weights))


def products_per_token(config, weights):
    """Multiply-adds of matrices for a token of a prompt, whose head is not needed."""
    return sum(np.prod(shape) * share for name, shape, _, share in matrices(config, weights) if name != "output.weight")


def random_blocks(shape, form, random):
    """Codes are uniform, their scale such that outputs are about as large as inputs."""
    if form == "bf16":
        values = random.standard_normal(shape, np.float32) * np.float32(shape[-1] ** -0.5)
        return np.ascontiguousarray(values.view(np.uint16)[..., 1::2]).view(np.uint8)  # the upper halves
    deviation = {"q4": 4.6, "q8": 74.0}[form]
    rows = random.integers(0, 256, (int(np.prod(shape)) // 32, BLOCK_BYTES[form]), dtype=np.uint8)
    scale = np.float16(shape[-1] ** -0.5 / deviation)
    rows[:, :2] = np.frombuffer(scale.tobytes(), np.uint8)
    return rows.reshape(*shape[:-1], -1)


def write(config, weights, path):
    out = gguf.GGUFWriter(path, "deepseek2")
    nope, rope = config["qk_nope_head_dim"], config["qk_rope_head_dim"]
    out.add_vocab_size(config["vocab_size"])
    out.add_tokenizer_model("none")
    out.add_context_length(config["max_position_embeddings"])
    out.add_embedding_length(config["hidden_size"])
    out.add_block_count(2 * config["num_layers"])
    out.add_leading_dense_block_count(config["num_layers"])
    out.add_feed_forward_length(config["ffn_hidden_size"])
    out.add_expert_feed_forward_length(config["expert_ffn_hidden_size"])
    out.add_expert_count(config["n_routed_experts"])
    out.add_expert_used_count(real_experts(config))
    out.add_expert_shared_count(config["ffn_hidden_size"] // config["expert_ffn_hidden_size"])
    out.add_expert_weights_scale(config["routed_scaling_factor"])
    out.add_expert_weights_norm(False)
    out.add_expert_gating_func(gguf.ExpertGatingFuncType.SOFTMAX)
    out.add_head_count(config["num_attention_heads"])
    out.add_head_count_kv(1)
    out.add_q_lora_rank(config["q_lora_rank"])
    out.add_kv_lora_rank(config["kv_lora_rank"])
    out.add_key_length(config["kv_lora_rank"] + rope)
    out.add_value_length(config["kv_lora_rank"])
    out.add_key_length_mla(nope + rope)
    out.add_value_length_mla(config["v_head_dim"])
    out.add_rope_dimension_count(rope)
    out.add_rope_freq_base(config["rope_theta"])
    out.add_layer_norm_rms_eps(config["rms_norm_eps"])
    random = np.random.default_rng(0)
    ones = lambda n: np.ones(n, np.float32)
    out.add_tensor("output_norm.weight", ones(config["hidden_size"]))
    for layer in range(2 * config["num_layers"]):
        at = f"blk.{layer}."
        out.add_tensor(at + "attn_norm.weight", ones(config["hidden_size"]))
        out.add_tensor(at + "ffn_norm.weight", ones(config["hidden_size"]))
        out.add_tensor(at + "attn_q_a_norm.weight", ones(config["q_lora_rank"]))
        out.add_tensor(at + "attn_kv_a_norm.weight", ones(config["kv_lora_rank"]))
        if layer >= config["num_layers"]:
            router = random.standard_normal((config["n_routed_experts"], config["hidden_size"]), np.float32)
            out.add_tensor(at + "ffn_gate_inp.weight", router * config["hidden_size"] ** -0.5)
    for name, shape, form, _ in matrices(config, weights):
        out.add_tensor(name, random_blocks(shape, form, random), raw_dtype=TYPES[form])
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
