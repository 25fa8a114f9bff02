"""A random model with the proportions of LongCat-Flash-Lite at half the width and four layers: lite_shaped.py PROGRAM FOLDER [nestor new options]

256 experts and 128 that do nothing, 12 for each token, latent attention, 12 n-gram tables: about 3 billion parameters,
6 GB in bf16. Its tokenizer is the bundled one with names for the ids that it lacks: it serves to measure, not to read.
"""

import json
import subprocess
import sys
from pathlib import Path

CONFIG = {
    "architectures": ["LongcatFlashNgramForCausalLM"], "model_type": "longcat_flash_ngram", "vocab_size": 65536,
    "hidden_size": 1536, "num_layers": 4, "num_attention_heads": 16, "q_lora_rank": 768, "kv_lora_rank": 256,
    "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "ffn_hidden_size": 3072,
    "expert_ffn_hidden_size": 512, "n_routed_experts": 256, "zero_expert_num": 128, "zero_expert_type": "identity",
    "moe_topk": 12, "routed_scaling_factor": 6.0, "attention_bias": False, "attention_method": "MLA",
    "mla_scale_q_lora": True, "mla_scale_kv_lora": True, "emb_neighbor_num": 4, "emb_split_num": 4,
    "ngram_vocab_size_ratio": 4, "rms_norm_eps": 1e-5, "rope_theta": 5000000.0, "max_position_embeddings": 8192,
    "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": False, "torch_dtype": "bfloat16",
}


def write(program, folder, options):
    shape = folder.with_suffix(".shape.json")
    shape.write_text(json.dumps(CONFIG))
    subprocess.run([program, "new", "--preset", str(shape), *options, str(folder)], check=True)
    shape.unlink()
    story = Path(__file__).parents[2] / "assets" / "story"
    tokenizer = json.loads((story / "tokenizer.json").read_text())
    vocabulary = tokenizer["model"]["vocab"]
    for id in range(len(vocabulary), CONFIG["vocab_size"]):
        vocabulary[f"w{id}"] = id
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "tokenizer_config.json").write_text((story / "tokenizer_config.json").read_text())


if __name__ == "__main__":
    write(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
