#!/usr/bin/python3
"""Trains torchvision's ResNet-50 as a good Python program would: the rival of bench/training.

Reads the .ffd file by its documentation, P x K batches, bytes to floats on the fly, channels last, semi-hard triplets as
tensor operations, AdamW, clipped gradients; no augmentation. Prints the photos a second of the steps after the first.
  python3 bench/training_pytorch.py FILE.ffd STEPS THREADS SIDE PEOPLE PHOTOS
"""
import struct
import sys
import time

import numpy
import torch
import torchvision

path, steps, threads, side, people, photos = sys.argv[1], *map(int, sys.argv[2:])
torch.set_num_threads(threads)
torch.set_flush_denormal(True)
torch.manual_seed(1)
data = numpy.memmap(path, 'u1', 'r')
_, width, height, channels = struct.unpack_from('<4I', data, 8)
count, _, labels_at, _ = struct.unpack_from('<4Q', data, len(data) - 128)
pixels = data[4096:labels_at].reshape(count, height, width, channels)
person = numpy.frombuffer(data, '<u4', count, labels_at)
crops_of = [c for c in (numpy.flatnonzero(person == p) for p in range(person.max() + 1)) if len(c) >= photos]
network = torchvision.models.resnet50(num_classes=512).to(memory_format=torch.channels_last).train()
decayed = [p for p in network.parameters() if p.dim() > 1]
others = [p for p in network.parameters() if p.dim() <= 1]
optimizer = torch.optim.AdamW([{'params': decayed, 'weight_decay': 0.01}, {'params': others, 'weight_decay': 0}], 1e-3)
random = numpy.random.default_rng(1)


def batch():
    chosen = random.choice(len(crops_of), people, replace=False)
    index = numpy.concatenate([random.choice(crops_of[c], photos, replace=False) for c in chosen])
    pictures = torch.from_numpy(pixels[index]).permute(0, 3, 1, 2).float().sub_(127.5).div_(127.5)
    if side != width:
        pictures = torch.nn.functional.adaptive_avg_pool2d(pictures, side)
    return pictures, torch.from_numpy(chosen.repeat(photos))


def semi_hard(rows, labels, margin=0.2):
    distances = (2 - 2 * rows @ rows.t()).clamp_min(1e-12)
    same = labels[:, None] == labels[None]
    genuine = same & ~torch.eye(len(rows), dtype=torch.bool)
    anchors = genuine.nonzero()[:, 0]
    positive, all_to, impostor = distances[genuine][:, None], distances[anchors], ~same[anchors]
    farther = impostor & (all_to > positive)
    nearest = all_to.masked_fill(~farther, float('inf')).amin(1)
    farthest = all_to.masked_fill(~impostor, float('-inf')).amax(1)
    return torch.relu(positive[:, 0] - torch.where(farther.any(1), nearest, farthest) + margin).mean()


for step in range(steps):
    if step == 1:
        start = time.perf_counter()
    pictures, labels = batch()
    optimizer.zero_grad(set_to_none=True)
    loss = semi_hard(torch.nn.functional.normalize(network(pictures)), labels)
    loss.item()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 5)
    optimizer.step()
print((steps - 1) * people * photos / (time.perf_counter() - start))
