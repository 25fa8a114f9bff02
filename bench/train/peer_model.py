"""The model of a Nestor recipe in eager PyTorch, as a competent user would write it: sparse gradients for the
embedding tables, experts grouped by sorting tokens, scaled_dot_product_attention, fused cross entropy.

Letters: B rows of T positions, n = B T, H hidden, E experts, k picks, V vocabulary. Tensor names are those of the
checkpoint, with experts stacked."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def ngram_tables(c):
    """[(order, rows)] of the n-gram tables."""
    n, k, ratio = c.get("emb_neighbor_num", 0), c.get("emb_split_num", 0), c.get("ngram_vocab_size_ratio", 0)
    if not n or not k or not ratio:
        return []
    base = ratio * c["vocab_size"]
    return [(order, int(base + 2 * ((order - 2) * k + j) + 1)) for order in range(2, n + 1) for j in range(k)]


def ngram_rows(ids, vocab, eos, tables):
    """Rows of every table for ids [B, T]: segments end with EOS, missing predecessors count as 0. [tables][B, T]."""
    B, T = ids.shape
    longest = max((order for order, _ in tables), default=1)
    before, open_ = [ids], torch.ones_like(ids, dtype=torch.bool)
    for back in range(1, longest):
        shifted = F.pad(ids, (back, 0))[:, :T]
        open_ = open_ & (shifted != eos)
        before.append(torch.where(open_, shifted, 0))
    result = []
    for order, rows in tables:
        total, power = ids.clone(), 1
        for back in range(1, order):
            power = power * vocab % rows
            total = total + before[back] * power % rows
        result.append(total % rows)
    return result


class RMSNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        return F.rms_norm(x.float(), self.weight.shape, self.weight, self.eps)


def linear(n_in, n_out, std):
    layer = nn.Linear(n_in, n_out, bias=False)
    nn.init.normal_(layer.weight, std=std)
    return layer


class Mlp(nn.Module):
    def __init__(self, hidden, inner, std, out_std):
        super().__init__()
        self.gate_up_proj = linear(hidden, 2 * inner, std)
        self.down_proj = linear(inner, hidden, out_std)

    def forward(self, x):
        gate, up = self.gate_up_proj(x).chunk(2, -1)
        return self.down_proj(F.silu(gate) * up)


def rotate(x, cos, sin):
    """Interleaved pairs of x [B, T, A, R]; cos, sin [B, T, 1, R/2]."""
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


class Attention(nn.Module):
    def __init__(self, c, std, out_std):
        super().__init__()
        H, self.heads = c["hidden_size"], c["num_attention_heads"]
        self.nope, self.rope, self.v = c["qk_nope_head_dim"], c["qk_rope_head_dim"], c["v_head_dim"]
        self.q_rank, self.kv_rank = c["q_lora_rank"], c["kv_lora_rank"]
        eps = c.get("rms_norm_eps", 1e-5)
        self.q_a_proj = linear(H, self.q_rank, std)
        self.q_a_layernorm = RMSNorm(self.q_rank, eps)
        self.q_b_proj = linear(self.q_rank, self.heads * (self.nope + self.rope), std)
        self.kv_a_proj_with_mqa = linear(H, self.kv_rank + self.rope, std)
        self.kv_a_layernorm = RMSNorm(self.kv_rank, eps)
        self.kv_b_proj = linear(self.kv_rank, self.heads * (self.nope + self.v), std)
        self.o_proj = linear(self.heads * self.v, H, out_std)
        self.q_scale, self.kv_scale = math.sqrt(H / self.q_rank), math.sqrt(H / self.kv_rank)

    def forward(self, x, place):
        B, T, _ = x.shape
        A, cos, sin = self.heads, place.cos, place.sin
        q = self.q_b_proj(self.q_a_layernorm(self.q_a_proj(x)) * self.q_scale).view(B, T, A, -1)
        latent, k_pe = self.kv_a_proj_with_mqa(x).split((self.kv_rank, self.rope), -1)
        kv = self.kv_b_proj(self.kv_a_layernorm(latent) * self.kv_scale).view(B, T, A, -1)
        k_nope, v = kv.split((self.nope, self.v), -1)
        q_nope, q_pe = q.split((self.nope, self.rope), -1)
        q_pe, k_pe = rotate(q_pe, cos, sin), rotate(k_pe.unsqueeze(2), cos, sin).expand(B, T, A, self.rope)
        dtype = v.dtype
        q = torch.cat((q_nope, q_pe.to(dtype)), -1).transpose(1, 2)
        k = torch.cat((k_nope, k_pe.to(dtype)), -1).transpose(1, 2)
        scale = (self.nope + self.rope) ** -0.5
        width = self.nope + self.rope
        if width > self.v:  # equal head widths let the fused kernel serve
            v = F.pad(v, (0, width - self.v))
        mask = None if place.mask is None else place.mask
        o = F.scaled_dot_product_attention(q, k, v.transpose(1, 2), attn_mask=mask, is_causal=mask is None, scale=scale)
        return self.o_proj(o[..., : self.v].transpose(1, 2).reshape(B, T, A * self.v))


class Place:
    """Where the positions of a batch stand: rotary angles, and the mask if a row holds several documents."""

    def __init__(self, ids, eos, rope, theta):
        B, T = ids.shape
        ends = F.pad((ids == eos).long(), (1, 0))[:, :T]
        self.segment = ends.cumsum(1)
        at = torch.arange(T).expand(B, T)
        start = torch.where(ends.bool() | (at == 0), at, 0).cummax(1).values
        angle = (at - start).float().unsqueeze(-1) * theta ** (-torch.arange(0, rope, 2).float() / rope)
        self.cos, self.sin = angle.cos().unsqueeze(2), angle.sin().unsqueeze(2)
        self.mask = None
        if bool(ends.any()):
            same = self.segment.unsqueeze(2) == self.segment.unsqueeze(1)
            self.mask = (same & torch.ones(T, T, dtype=torch.bool).tril()).unsqueeze(1)

    def rows(self, count):
        part = object.__new__(Place)
        part.cos, part.sin, part.segment = self.cos[:count], self.sin[:count], self.segment[:count]
        part.mask = None if self.mask is None else self.mask[:count]
        return part


class MoE(nn.Module):
    def __init__(self, c, routing, std, out_std):
        super().__init__()
        H, I = c["hidden_size"], c["expert_ffn_hidden_size"]
        self.E, self.Z, self.k = c["n_routed_experts"], c.get("zero_expert_num", 0), c["moe_topk"]
        self.scale = c.get("routed_scaling_factor", 1.0)
        self.classifier = nn.Parameter(torch.randn(self.E + self.Z, H) * std)
        self.register_buffer("bias", torch.zeros(self.E + self.Z))
        self.gate_up = nn.Parameter(torch.randn(self.E, 2 * I, H) * std)
        self.down = nn.Parameter(torch.randn(self.E, H, I) * out_std)
        self.wanted = routing.get("ffn_experts_wanted", 0) or self.k * self.E / (self.E + self.Z)
        self.rate, self.alpha = routing.get("bias_rate", 0.003), routing.get("balance_loss", 0.01)
        self.groups = routing.get("balance_groups", 1)
        self.counts, self.balance = None, 0.0

    def forward(self, x):
        u = x.reshape(-1, x.shape[-1])
        with torch.autocast("cpu", enabled=False):
            p = (u.float() @ self.classifier.t()).softmax(-1)
        index = (p.detach() + self.bias).topk(self.k, -1).indices
        weight = p.gather(1, index) * self.scale
        out, counts = self.mix(u, index, weight)
        identity = torch.where(index >= self.E, weight, 0).sum(1, keepdim=True)
        out = out + identity * u
        if self.training:
            self.counts = counts
            n, size, mean_p = u.shape[0], self.E // self.groups, p.mean(0)
            picked = counts[: self.E].view(self.groups, size).sum(1).float().repeat_interleave(size)
            real_loss = (picked * self.groups / (self.wanted * n) * mean_p[: self.E]).sum()
            zero_loss = counts[self.E :].sum() / (max(self.k - self.wanted, 1e-9) * n) * mean_p[self.E :].sum()
            self.balance = self.alpha * (real_loss + zero_loss)
        return out.view_as(x)

    @torch.compiler.disable  # shapes that depend on the data: compiled, every step would be a new graph
    def mix(self, u, index, weight):
        """Weighted sum of the real experts' outputs [n, H], and the picks of every expert."""
        flat = index.reshape(-1)
        order = flat.argsort(stable=True)
        counts = torch.bincount(flat, minlength=self.E + self.Z)
        real = int(counts[: self.E].sum())
        token = order[:real] // self.k
        outs = []
        for expert, part in enumerate(u[token].split(counts[: self.E].tolist())):
            if part.shape[0]:
                gate, up = F.linear(part, self.gate_up[expert]).chunk(2, -1)
                outs.append(F.linear(F.silu(gate) * up, self.down[expert]))
        out = torch.zeros_like(u, dtype=torch.float32)
        if outs:
            out = out.index_add(0, token, torch.cat(outs).float() * weight.reshape(-1)[order[:real]].unsqueeze(1))
        return out, counts

    def update_bias(self):
        share = self.counts[: self.E].float() / self.counts.sum()
        self.bias[: self.E] += self.rate * (self.wanted / self.k / self.E - share)


class Layer(nn.Module):
    def __init__(self, c, routing, std, out_std):
        super().__init__()
        H, eps = c["hidden_size"], c.get("rms_norm_eps", 1e-5)
        self.input_layernorm = nn.ModuleList(RMSNorm(H, eps) for _ in range(2))
        self.post_attention_layernorm = nn.ModuleList(RMSNorm(H, eps) for _ in range(2))
        self.self_attn = nn.ModuleList(Attention(c, std, out_std) for _ in range(2))
        self.mlps = nn.ModuleList(Mlp(H, c["ffn_hidden_size"], std, out_std) for _ in range(2))
        self.mlp = MoE(c, routing, std, out_std)

    def forward(self, h, place):
        h = h + self.self_attn[0](self.input_layernorm[0](h), place)
        u = self.post_attention_layernorm[0](h)
        shortcut = self.mlp(u)
        h = h + self.mlps[0](u)
        h = h + self.self_attn[1](self.input_layernorm[1](h), place)
        return h + self.mlps[1](self.post_attention_layernorm[1](h)) + shortcut


class Draft(nn.Module):
    def __init__(self, c, std, out_std):
        super().__init__()
        H, eps = c["hidden_size"], c.get("rms_norm_eps", 1e-5)
        self.enorm, self.hnorm, self.norm = RMSNorm(H, eps), RMSNorm(H, eps), RMSNorm(H, eps)
        self.input_layernorm, self.post_attention_layernorm = RMSNorm(H, eps), RMSNorm(H, eps)
        self.eh_proj = linear(2 * H, H, std)
        self.self_attn = Attention(c, std, out_std)
        self.mlp = Mlp(H, c["ffn_hidden_size"], std, out_std)

    def forward(self, embedding, h, place):
        x = self.eh_proj(torch.cat((self.enorm(embedding), self.hnorm(h)), -1)).float()
        x = x + self.self_attn(self.input_layernorm(x), place)
        return self.norm(x + self.mlp(self.post_attention_layernorm(x)))


class Model(nn.Module):
    def __init__(self, recipe, sparse=True):
        super().__init__()
        m = recipe["model"]
        c = self.c = m["config"]
        H, V, L = c["hidden_size"], c["vocab_size"], c["num_layers"]
        std = m.get("init_std", 0.02)
        out_std = std / math.sqrt(4 * L)
        self.amplification = math.sqrt(H) if m.get("amplification", "sqrt_d") == "sqrt_d" else 1.0
        self.layer_norm = nn.LayerNorm(H, c.get("rms_norm_eps", 1e-5)) if m.get("amplification") == "layer_norm" else None
        self.tables = ngram_tables(c)
        self.eos = c.get("eos_token_id", 2)
        self.embed_tokens = nn.Embedding(V, H, sparse=sparse)
        # Folded: tables hold sqrt(D) times the values of Eq. 3.
        nn.init.normal_(self.embed_tokens.weight, std=m.get("word_table_std", 0.02) * self.amplification)
        width = H // len(self.tables) if self.tables else 0
        self.embedders = nn.ModuleList(nn.Embedding(rows, width, sparse=sparse) for _, rows in self.tables)
        self.post_projs = nn.ModuleList(linear(width, H, m.get("projection_std", std)) for _ in self.tables)
        for table in self.embedders:
            scale = m.get("ngram_table_std", 0) * self.amplification
            nn.init.normal_(table.weight, std=scale) if scale else nn.init.zeros_(table.weight)
        self.layers = nn.ModuleList(Layer(c, recipe.get("routing", {}), std, out_std) for _ in range(L))
        self.norm = RMSNorm(H, c.get("rms_norm_eps", 1e-5))
        self.lm_head = linear(H, V, std)
        self.mtp = Draft(c, std, out_std) if m.get("draft", True) else None
        self.draft_weight = m.get("draft_loss_weight", 0.2)
        self.draft_fraction = m.get("draft_fraction", 0.5)

    def table_parameters(self):
        return [self.embed_tokens.weight] + [t.weight for t in self.embedders]

    def embed(self, ids):
        e = self.embed_tokens(ids)
        if self.tables:
            found = ngram_rows(ids, self.c["vocab_size"], self.eos, self.tables)
            parts = torch.cat([table(rows) for table, rows in zip(self.embedders, found)], -1)
            e = (e + F.linear(parts, torch.cat([p.weight for p in self.post_projs], 1))) / (1 + len(self.tables))
        return e.float() if self.layer_norm is None else self.layer_norm(e.float())

    def head(self, h, targets):
        logits = self.lm_head(h)
        return F.cross_entropy(logits.float().flatten(0, -2), targets.reshape(-1), ignore_index=-1, reduction="sum")

    def forward(self, ids, targets, second=None):
        """Summed loss of the target, number of targets, mean draft loss."""
        place = place_of(ids, self.eos, self.c["qk_rope_head_dim"], self.c.get("rope_theta", 10000.0))
        e = self.embed(ids)
        h = e
        for layer in self.layers:
            h = layer(h, place)
        h = self.norm(h)
        loss = self.head(h, targets)
        draft = None
        if self.mtp is not None and second is not None and self.training:
            rows = max(1, round(self.draft_fraction * ids.shape[0]))
            # The embedding of the next token; the first token of the row is left in its n-grams (a small difference).
            z = self.mtp(e[:rows, 1:], h[:rows, :-1], cut(place.rows(rows)))
            wanted = second[:rows, :-1]
            draft = self.head(z, wanted) / (wanted >= 0).sum()
        return loss, (targets >= 0).sum(), draft

    def balance(self):
        return sum(layer.mlp.balance for layer in self.layers)

    def update_biases(self):
        for layer in self.layers:
            layer.mlp.update_bias()


@torch.compiler.disable  # decides by the data whether there is a mask
def place_of(ids, eos, rope, theta):
    return Place(ids, eos, rope, theta)


def cut(place):
    """All positions but the last."""
    part = object.__new__(Place)
    part.cos, part.sin = place.cos[:, :-1], place.sin[:, :-1]
    part.mask = None if place.mask is None else place.mask[:, :, :-1, :-1]
    return part
