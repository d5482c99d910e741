#!/usr/bin/python3
"""Prints the golden values of src/train/networks_test.cpp.

torchvision's own ResNet-50, and IResNet-18 and MobileFaceNet written here from InsightFace's iresnet.py and the paper's
table 1, each with weights that are a function of their names and places (no generator has to agree) and a picture
that is one too.  Needs Debian's python3-torch and python3-torchvision:  python3 tests/train/network_golden.py
"""
import math
import torch
import torchvision
from torch import nn


def wave(count, rate, shift):
    return torch.sin(torch.arange(count, dtype=torch.float64) * rate + shift)


def fill(module):
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith('num_batches_tracked'):
                continue
            values = wave(tensor.numel(), 0.7, len(name))
            if name.endswith('running_var'):
                values = 1 + 0.5 * values
            elif tensor.dim() > 1:
                values = values * math.sqrt(4 / (tensor.numel() / tensor.shape[0]))
            elif name.endswith('weight'):
                values = 0.6 + 0.2 * values
            else:
                values = 0.1 * values
            tensor.copy_(values.view_as(tensor))
    return module.eval()


def conv(i, o, k, s=1, g=1, p=None):
    return nn.Conv2d(i, o, k, s, k // 2 if p is None else p, groups=g, bias=False)


class IBasicBlock(nn.Module):
    def __init__(self, i, o, s):
        super().__init__()
        self.bn1, self.conv1, self.bn2, self.prelu = nn.BatchNorm2d(i), conv(i, o, 3), nn.BatchNorm2d(o), nn.PReLU(o)
        self.conv2, self.bn3 = conv(o, o, 3, s), nn.BatchNorm2d(o)
        self.downsample = nn.Sequential(conv(i, o, 1, s), nn.BatchNorm2d(o)) if s != 1 or i != o else None

    def forward(self, x):
        y = self.bn3(self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x))))))
        return y + (x if self.downsample is None else self.downsample(x))


class IResNet(nn.Module):
    def __init__(self, counts, length):
        super().__init__()
        self.conv1, self.bn1, self.prelu = conv(3, 64, 3), nn.BatchNorm2d(64), nn.PReLU(64)
        i = 64
        for stage, (o, n) in enumerate(zip((64, 128, 256, 512), counts)):
            blocks = [IBasicBlock(i if b == 0 else o, o, 2 if b == 0 else 1) for b in range(n)]
            setattr(self, f'layer{stage + 1}', nn.Sequential(*blocks))
            i = o
        self.bn2, self.fc, self.features = nn.BatchNorm2d(512), nn.Linear(512 * 49, length), nn.BatchNorm1d(length)
        self.features.weight.requires_grad = False

    def forward(self, x):
        x = self.prelu(self.bn1(self.conv1(x)))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return self.features(self.fc(torch.flatten(self.bn2(x), 1)))


def unit(i, o, k=1, s=1, g=1, p=None, linear=False):
    return nn.Sequential(conv(i, o, k, s, g, p), nn.BatchNorm2d(o), *([] if linear else [nn.PReLU(o)]))


class Bottleneck(nn.Module):
    def __init__(self, i, o, t, s):
        super().__init__()
        self.way_around = s == 1 and i == o
        self.widen, self.depthwise = unit(i, i * t), unit(i * t, i * t, 3, s, i * t)
        self.narrow = unit(i * t, o, linear=True)

    def forward(self, x):
        y = self.narrow(self.depthwise(self.widen(x)))
        return x + y if self.way_around else y


class MobileFaceNet(nn.Module):
    def __init__(self, length):
        super().__init__()
        layers, i = [unit(3, 64, 3, 2), unit(64, 64, 3, 1, 64)], 64
        for t, c, n, s in ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1)):
            for b in range(n):
                layers.append(Bottleneck(i, c, t, s if b == 0 else 1))
                i = c
        layers += [unit(128, 512), unit(512, 512, 7, 1, 512, 0, True), unit(512, length, linear=True)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return torch.flatten(self.layers(x), 1)


def report(name, module, side):
    learnt = sum(p.numel() for p in module.parameters() if p.requires_grad)
    picture = wave(3 * side * side, 0.3, 0).view(1, 3, side, side)
    with torch.no_grad():
        out = fill(module).double()(picture)[0]
    print(f'{name}: {learnt} learnt; at {side} px {[round(v, 6) for v in out[:3].tolist()]}, length {out.norm():.6f}')


report('resnet50, 1000 outputs', torchvision.models.resnet50(), 64)
report('resnet50, 512 outputs', torchvision.models.resnet50(num_classes=512), 64)
for layers, counts in ((18, (2, 2, 2, 2)), (34, (3, 4, 6, 3)), (50, (3, 4, 14, 3)), (100, (3, 13, 30, 3))):
    report(f'iresnet{layers}, 512', IResNet(counts, 512), 112)
report('mobilefacenet, 128', MobileFaceNet(128), 112)
report('mobilefacenet, 512', MobileFaceNet(512), 112)
