"""PyTorch: python pytorch.py THREADS WORKLOAD [eager|passive|channels-last|compile].

passive: OpenMP's threads sleep between uses, so that they do not fight with those of OpenBLAS."""
import math, os, sys
threads, workload, mode = int(sys.argv[1]), sys.argv[2], (sys.argv[3:] or ["eager"])[0]
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(threads)
if mode == "passive": os.environ["OMP_WAIT_POLICY"] = "passive"
import torch
import torch.nn as nn
import torch.nn.functional as F
from harness import integers, serve, uniform
torch.set_num_threads(threads)
compiled = torch.compile if mode == "compile" else lambda f: f

def put(layer, seed, fan_in, transpose):
    """The shared numbers, with a zero bias; dense weights are drawn as [in, out]."""
    w = layer.weight
    values = uniform(seed, w.numel(), 1 / math.sqrt(fan_in))
    with torch.no_grad():
        w.copy_(torch.from_numpy(values.reshape(w.shape[::-1]).T.copy() if transpose else values.reshape(w.shape)))
        if layer.bias is not None: layer.bias.zero_()
    return layer

def dense(seed, i, o, bias=True, fan_in=None): return put(nn.Linear(i, o, bias=bias), seed, fan_in or i, True)
def conv(seed, i, o, size, stride=1, padding=0, bias=False):
    return put(nn.Conv2d(i, o, size, stride, padding, bias=bias), seed, i * size * size, False)

def stepper(parameters, loss_fn, opt, **options):
    """One step of training; the loss is read, and so waited for, after `count` of them."""
    opt = opt(parameters, **options)
    forward, update = compiled(loss_fn), compiled(opt.step)
    def steps(count):
        for _ in range(count):
            opt.zero_grad()
            loss = forward()
            loss.backward()
            update()
        return loss.item()
    return steps

def numbers(seed, *shape, scale=1.0): return torch.from_numpy(uniform(seed, math.prod(shape), scale)).reshape(shape)
def labels(count): return torch.from_numpy(integers(2, count, 10))
def classify(model, x, y, opt=torch.optim.Adam, lr=1e-3, **options):
    return stepper(model.parameters(), lambda: F.cross_entropy(model(x), y), opt, lr=lr, **options)

def xor():
    x, y = torch.tensor([[0., 0], [0, 1], [1, 0], [1, 1]]), torch.tensor([[0.], [1], [1], [0]])
    model = nn.Sequential(dense(3, 2, 2, fan_in=1), nn.Sigmoid(), dense(4, 2, 1, fan_in=1))
    return stepper(model.parameters(), lambda: F.binary_cross_entropy_with_logits(model(x), y), torch.optim.SGD, lr=1.0)

def mlp():
    return nn.Sequential(dense(10, 784, 512), nn.ReLU(), dense(11, 512, 256), nn.ReLU(), dense(12, 256, 10)), numbers(1, 128, 784)

def cnn():
    model, x = nn.Sequential(
        conv(10, 1, 32, 3, bias=True), nn.ReLU(), conv(11, 32, 64, 3, bias=True), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        dense(12, 9216, 128), nn.ReLU(), dense(13, 128, 10)), numbers(1, 64, 1, 28, 28)
    if mode == "channels-last": model, x = (a.to(memory_format=torch.channels_last) for a in (model, x))
    return model, x

class Block(nn.Module):
    def __init__(self, s, d, heads):
        super().__init__()
        self.heads = heads
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = dense(s, d, 3 * d), dense(s + 1, d, d)
        self.fc1, self.fc2 = dense(s + 2, d, 4 * d), dense(s + 3, 4 * d, d)
    def forward(self, h):
        B, T, d = h.shape
        q, k, v = (a.view(B, T, self.heads, d // self.heads).transpose(1, 2) for a in self.qkv(self.n1(h)).split(d, 2))
        if hasattr(F, "scaled_dot_product_attention"):
            o = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:  # before PyTorch 2
            mask = torch.full((T, T), float("-inf")).triu(1)
            o = F.softmax(q @ k.transpose(2, 3) / math.sqrt(d // self.heads) + mask, -1) @ v
        h = h + self.proj(o.transpose(1, 2).reshape(B, T, d))
        return h + self.fc2(F.gelu(self.fc1(self.n2(h)), approximate="tanh"))

class GPT(nn.Module):
    def __init__(self, V=65, T=128, d=128, layers=4, heads=4):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(V, d), nn.Embedding(T, d)
        with torch.no_grad():
            self.wte.weight.copy_(numbers(10, V, d, scale=0.05))
            self.wpe.weight.copy_(numbers(11, T, d, scale=0.05))
        self.blocks = nn.Sequential(*[Block(12 + 4 * i, d, heads) for i in range(layers)])
        self.nf, self.head = nn.LayerNorm(d), dense(12 + 4 * layers, d, V, bias=False)
    def forward(self, x): return self.head(self.nf(self.blocks(self.wte(x) + self.wpe.weight))).flatten(0, 1)

def gpt():
    x, y = torch.from_numpy(integers(1, 2048, 65)).reshape(16, 128), torch.from_numpy(integers(2, 2048, 65))
    return classify(GPT(), x, y, torch.optim.AdamW, weight_decay=0.01)

def lstm():
    layer, head, x = nn.LSTM(64, 256, batch_first=True), dense(12, 256, 10), numbers(1, 32, 64, 64)
    with torch.no_grad():
        for seed, w in ((10, layer.weight_ih_l0), (11, layer.weight_hh_l0)): w.copy_(numbers(seed, *w.shape, scale=1 / 16))
        for b in (layer.bias_ih_l0, layer.bias_hh_l0): b.zero_()
    y = labels(32)
    return stepper([*layer.parameters(), *head.parameters()], lambda: F.cross_entropy(head(layer(x)[0][:, -1]), y), torch.optim.Adam, lr=1e-3)

class Residual(nn.Module):
    def __init__(self, body, shortcut=None):
        super().__init__()
        self.body, self.shortcut = body, shortcut or nn.Identity()
    def forward(self, x): return self.shortcut(x) + self.body(x)

def resnet():
    def body(s, i, o, stride):
        return nn.Sequential(conv(s, i, o, 3, stride, 1), nn.BatchNorm2d(o), nn.ReLU(), conv(s + 1, o, o, 3, 1, 1), nn.BatchNorm2d(o))
    model = nn.Sequential(
        conv(10, 3, 32, 3, 1, 1), nn.BatchNorm2d(32), nn.ReLU(), Residual(body(11, 32, 32, 1)), nn.ReLU(),
        Residual(body(13, 32, 64, 2), nn.Sequential(conv(15, 32, 64, 1, 2), nn.BatchNorm2d(64))), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), dense(16, 64, 10))
    x = numbers(1, 32, 3, 32, 32)
    if mode == "channels-last": model, x = (a.to(memory_format=torch.channels_last) for a in (model, x))
    return classify(model, x, labels(32), torch.optim.SGD, lr=0.05, momentum=0.9)

class Experts(nn.Module):
    """Each expert sees only the tokens that chose it, as in the usual implementations."""
    def __init__(self, size=128, hidden=512, count=8):
        super().__init__()
        self.gate, self.head = dense(10, size, count), dense(11, size, 10)
        self.experts = nn.ModuleList(
            nn.Sequential(dense(20 + 2 * i, size, hidden), nn.ReLU(), dense(21 + 2 * i, hidden, size)) for i in range(count))
    def forward(self, x):
        scores, count = self.gate(x), len(self.experts)
        best, chosen = scores.topk(2, -1)
        weights, out = best.softmax(-1), torch.zeros_like(x)
        for i, expert in enumerate(self.experts):
            rows, slot = torch.where(chosen == i)
            out = out.index_add(0, rows, expert(x[rows]) * weights[rows, slot, None])
        first = F.one_hot(scores.argmax(-1), count).to(x.dtype)
        return self.head(out), (first.mean(0) * scores.softmax(-1).mean(0)).sum() * count

def experts():
    model, x, y = Experts(), numbers(1, 1024, 128, scale=2.0), labels(1024)
    def loss():
        logits, balance = model(x)
        return F.cross_entropy(logits, y) + 0.01 * balance
    return stepper(model.parameters(), loss, torch.optim.Adam, lr=1e-3)

def penalty():
    critic = nn.Sequential(dense(10, 256, 512), nn.SiLU(), dense(11, 512, 512), nn.SiLU(), dense(12, 512, 1))
    real, fake, between = (numbers(s, 128, 256) for s in (1, 2, 3))
    between.requires_grad_()
    def loss():
        slope, = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        return critic(fake).mean() - critic(real).mean() + 10 * ((slope.square().sum(1).sqrt() - 1) ** 2).mean()
    return stepper(critic.parameters(), loss, torch.optim.Adam, lr=1e-4)

def repeated(run):
    def steps(count):
        with torch.no_grad():
            for _ in range(count): run()
    return steps

def forward_only(model, x): return repeated(lambda: model(x))

def gemm(n):
    a, b = numbers(1, n, n), numbers(2, n, n)
    return repeated(lambda: a @ b)

def pointwise(f):
    x, f = numbers(1, 1 << 24, scale=4.0), compiled(f)
    return repeated(lambda: f(x))

tasks = {
    "xor": xor, "gpt": gpt, "lstm": lstm, "resnet": resnet, "experts": experts, "penalty": penalty,
    "mlp": lambda: classify(*mlp(), labels(128)), "cnn": lambda: classify(*cnn(), labels(64)),
    "mlp-forward": lambda: forward_only(*mlp()), "cnn-forward": lambda: forward_only(*cnn()),
    "elementwise": lambda: pointwise(lambda x: F.gelu(x, approximate="tanh") * torch.sigmoid(x) + x),
    "scale-add": lambda: pointwise(lambda x: x * 2 + 1),
}
task = gemm(int(workload[5:])) if workload.startswith("gemm-") else tasks[workload]()
serve(task, torch.__version__, threads, 500 if workload == "xor" else 1)
