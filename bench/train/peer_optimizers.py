"""Optimizers of the peer: Muon for hidden matrices, row-wise ones for tables with sparse gradients."""

import torch


def orthogonal(g, steps=5):
    """Newton-Schulz iteration (Jordan et al., Muon): [.., a, b] -> roughly its orthogonal factor."""
    x = g.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.mT if tall else x).float()


class Muon:
    def __init__(self, parameters, momentum=0.95):
        self.momentum = momentum
        """`parameters`: [(name, tensor)]; of a gate_up the two halves are two matrices."""
        self.groups = {}
        for name, p in parameters:
            out = p.shape[-2] // (2 if "gate_up" in name else 1)
            self.groups.setdefault((out, p.shape[-1]), []).append(p)
        parameters = [p for _, p in parameters]
        self.state = {p: torch.zeros_like(p) for p in parameters}

    @torch.no_grad()
    def step(self, lr):
        for shape, parameters in self.groups.items():
            updates = []
            for p in parameters:
                m = self.state[p]
                m.lerp_(p.grad, 1 - self.momentum)
                updates.append(p.grad.lerp(m, self.momentum).reshape(-1, *shape))
            done = orthogonal(torch.cat(updates)) * max(1.0, shape[0] / shape[1]) ** 0.5
            for p, u in zip(parameters, done.split([x.shape[0] for x in updates])):
                p.add_(u.view_as(p), alpha=-lr)


class RowOptimizer:
    """One table with sparse gradients. kind: lazy_adam (moments of each element, touched rows only), row_adam (one
    second moment a row), row_adagrad (one sum of squares a row), elem_adagrad."""

    def __init__(self, p, kind, beta1, beta2, eps):
        self.p, self.kind, self.beta1, self.beta2, self.eps = p, kind, beta1, beta2, eps
        width = p.shape[1] if kind in ("lazy_adam", "elem_adagrad") else 1
        self.v = torch.zeros(p.shape[0], width)
        self.m = torch.zeros_like(p) if kind.endswith("adam") and beta1 > 0 else None
        self.last = torch.zeros(p.shape[0], dtype=torch.long)

    @torch.no_grad()
    def step(self, lr, t):
        grad = self.p.grad.coalesce()
        rows, g = grad.indices()[0], grad.values()
        square = g * g if self.v.shape[1] > 1 else (g * g).mean(1, keepdim=True)
        if self.kind.endswith("adagrad"):
            v = self.v[rows] + square
            self.v[rows] = v
            self.p.index_add_(0, rows, g / (v.sqrt() + self.eps), alpha=-lr)
            return
        v = self.v[rows] * self.beta2 + (1 - self.beta2) * square
        self.v[rows] = v
        if self.m is not None:
            m = self.m[rows] * self.beta1 + (1 - self.beta1) * g
            self.m[rows] = m
            m = m / (1 - self.beta1**t)
        else:
            m = g
        self.p.index_add_(0, rows, m / ((v / (1 - self.beta2**t)).sqrt() + self.eps), alpha=-lr)
