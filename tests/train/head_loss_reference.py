#!/usr/bin/python3
# The triplet loss of src/gallery/train_head.h and its gradient, as PyTorch's automatic differentiation has them: prints the
# constants of src/gallery/personal_head_test.cpp. Needs Debian's python3-torch (1.13); no test runs it.
import torch

torch.set_default_dtype(torch.float64)
PHOTOS = torch.tensor([[0.9, 0.1, -0.2, 0.3], [0.7, 0.4, 0.1, 0.2], [0.5, 0.8, -0.1, 0.1],
                       [0.3, 0.9, 0.2, -0.2], [0.6, 0.3, 0.7, 0.1], [0.2, -0.1, 0.8, 0.4], [0.4, 0.5, 0.6, -0.3]])
PEOPLE = [0, 0, 1, 1, 2, 2, 2]
MATRIX = torch.eye(4) + 0.1 * torch.tensor([[1.0, -2, 0, 1], [0, 1, 3, -1], [2, 0, -1, 0], [-1, 1, 0, 2]])


def loss_of(matrix, metric, margin):
    rows = PHOTOS @ matrix.T
    if metric == "cosine":
        rows = torch.nn.functional.normalize(rows)
        similarity = rows @ rows.T
    else:
        similarity = 1 - ((rows[:, None] - rows[None]) ** 2).sum(2) / 2
    hinges = [margin + similarity[a, n] - similarity[a, p]
              for a in range(7) for p in range(7) for n in range(7)
              if a != p and PEOPLE[a] == PEOPLE[p] and PEOPLE[a] != PEOPLE[n]]
    active = [hinge for hinge in hinges if hinge > 0]
    return torch.stack(active).mean(), len(active)


for metric in ("cosine", "l2"):
    matrix = MATRIX.clone().requires_grad_()
    loss, active = loss_of(matrix, metric, 0.2)
    loss.backward()
    print(metric, f"loss {loss.item():.9f} active {active}")
    print(", ".join(f"{value:.9f}" for value in matrix.grad.flatten()))
