"""JAX (XLA on the CPU): python jax_peer.py THREADS WORKLOAD. The whole step is jitted, with donated buffers; images are NHWC.

Written after JAX 0.10 with optax 0.2. XLA's YNNPACK fusions are off, which halves the time of the cnn."""
import math, os, sys
threads, workload = int(sys.argv[1]), sys.argv[2]
# XLA takes as many threads as the process has processors.
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_experimental_ynn_fusion_type=")
import jax
import jax.numpy as jnp
import optax
from jax import lax
from harness import integers, serve, uniform

weights = lambda seed, i, o: uniform(seed, i * o, 1 / math.sqrt(i)).reshape(i, o)
dense = lambda seed, i, o: {"w": jnp.array(weights(seed, i, o)), "b": jnp.zeros(o)}
linear = lambda p, x: x @ p["w"] + p["b"]
crossentropy = lambda logits, y: optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()

def update(forward, loss_fn, opt):
    def step(params, state, x, y):
        loss, grads = jax.value_and_grad(lambda p: loss_fn(forward(p, x), y))(params)
        updates, state = opt.update(grads, state, params)
        return loss, optax.apply_updates(params, updates), state
    return step

def stepper(params, forward, x, y, loss_fn, opt):
    compiled = jax.jit(update(forward, loss_fn, opt), donate_argnums=(0, 1))
    held = [params, opt.init(params)]
    def steps(count):
        for _ in range(count): loss, held[0], held[1] = compiled(*held, x, y)
        return float(loss)
    return steps

def xor():
    x = jnp.array([[0., 0], [0, 1], [1, 0], [1, 1]])
    y = jnp.array([[0.], [1], [1], [0]])
    params = [{"w": jnp.array(uniform(3, 4).reshape(2, 2)), "b": jnp.zeros(2)},
              {"w": jnp.array(uniform(4, 2).reshape(2, 1)), "b": jnp.zeros(1)}]
    forward = lambda p, x: linear(p[1], jax.nn.sigmoid(linear(p[0], x)))
    return params, forward, x, y, lambda z, y: optax.sigmoid_binary_cross_entropy(z, y).mean(), optax.sgd(1.0)

def xor_scan():
    params, forward, x, y, loss_fn, opt = xor()
    step = update(forward, loss_fn, opt)
    def many(params, state, n):
        def body(carry, _):
            loss, *carry = step(*carry, x, y)
            return tuple(carry), loss
        carry, losses = lax.scan(body, (params, state), None, length=n)
        return losses[-1], *carry
    compiled = jax.jit(many, static_argnums=2, donate_argnums=(0, 1))
    held = [params, opt.init(params)]
    def steps(count):
        loss, held[0], held[1] = compiled(*held, count)
        return float(loss)
    return steps

def batch_of(n, shape): return jnp.array(uniform(1, n * 784).reshape(shape)), jnp.array(integers(2, n, 10), jnp.int32)

def mlp():
    def forward(p, x):
        for l in p[:-1]: x = jax.nn.relu(linear(l, x))
        return linear(p[-1], x)
    return [dense(10, 784, 512), dense(11, 512, 256), dense(12, 256, 10)], forward, *batch_of(128, (128, 784))

def cnn():
    kernel = lambda seed, i, o: uniform(seed, o * i * 9, 1 / math.sqrt(i * 9)).reshape(o, i, 3, 3).transpose(2, 3, 1, 0)
    d = weights(12, 9216, 128).reshape(64, 12, 12, 128).transpose(1, 2, 0, 3).reshape(9216, 128)
    params = {"k1": jnp.array(kernel(10, 1, 32)), "b1": jnp.zeros(32), "k2": jnp.array(kernel(11, 32, 64)), "b2": jnp.zeros(64),
              "d1": {"w": jnp.array(d), "b": jnp.zeros(128)}, "d2": dense(13, 128, 10)}
    def forward(p, x):
        for i in "12":
            x = lax.conv_general_dilated(x, p["k" + i], (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
            x = jax.nn.relu(x + p["b" + i])
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        return linear(p["d2"], jax.nn.relu(linear(p["d1"], x.reshape(x.shape[0], -1))))
    return params, forward, *batch_of(64, (64, 28, 28, 1))

def norm(p, x):
    m = x.mean(-1, keepdims=True)
    return (x - m) * lax.rsqrt(((x - m) ** 2).mean(-1, keepdims=True) + 1e-5) * p["g"] + p["b"]

def attention(qkv, B, T, heads):
    q, k, v = qkv.reshape(B, T, 3, heads, -1).transpose(2, 0, 3, 1, 4)
    s = jnp.where(jnp.tril(jnp.ones((T, T), bool)), q @ k.swapaxes(2, 3) / math.sqrt(q.shape[-1]), -jnp.inf)
    return (jax.nn.softmax(s, -1) @ v).transpose(0, 2, 1, 3).reshape(B * T, -1)

def gpt(V=65, T=128, d=128, layers=4, heads=4):
    ln = lambda: {"g": jnp.ones(d), "b": jnp.zeros(d)}
    block = lambda s: {"n1": ln(), "n2": ln(), "qkv": dense(s, d, 3 * d), "proj": dense(s + 1, d, d),
                       "fc1": dense(s + 2, d, 4 * d), "fc2": dense(s + 3, 4 * d, d)}
    params = {"wte": jnp.array(uniform(10, V * d, 0.05).reshape(V, d)), "wpe": jnp.array(uniform(11, T * d, 0.05).reshape(T, d)),
              "blocks": [block(12 + 4 * i) for i in range(layers)], "nf": ln(), "head": jnp.array(weights(12 + 4 * layers, d, V))}
    def forward(p, x):
        h = (p["wte"][x] + p["wpe"]).reshape(-1, d)  # two axes: faster here than three
        for b in p["blocks"]:
            h = h + linear(b["proj"], attention(linear(b["qkv"], norm(b["n1"], h)), *x.shape, heads))
            h = h + linear(b["fc2"], jax.nn.gelu(linear(b["fc1"], norm(b["n2"], h)), approximate=True))
        return norm(p["nf"], h) @ p["head"]
    return params, forward, jnp.array(integers(1, 16 * 128, 65).reshape(16, 128), jnp.int32), jnp.array(integers(2, 16 * 128, 65), jnp.int32)

def supervised(m, opt): return stepper(*m, crossentropy, opt)

def repeated(f, *args):
    f = jax.jit(f)
    def steps(count):
        for _ in range(count): f(*args).block_until_ready()
    return steps

def forward_only(m):
    params, forward, x, _ = m
    return repeated(forward, params, x)

def gemm(n): return repeated(jnp.matmul, *(jnp.array(uniform(s, n * n).reshape(n, n)) for s in (1, 2)))

def pointwise(f): return repeated(f, jnp.array(uniform(1, 1 << 24, 4)))

tasks = {
    "xor": lambda: stepper(*xor()), "xor-scan": xor_scan,
    "mlp": lambda: supervised(mlp(), optax.adam(1e-3)), "cnn": lambda: supervised(cnn(), optax.adam(1e-3)),
    "gpt": lambda: supervised(gpt(), optax.adamw(1e-3, weight_decay=0.01)),
    "mlp-forward": lambda: forward_only(mlp()), "cnn-forward": lambda: forward_only(cnn()),
    "elementwise": lambda: pointwise(lambda x: jax.nn.gelu(x, approximate=True) * jax.nn.sigmoid(x) + x),
    "scale-add": lambda: pointwise(lambda x: x * 2 + 1),
}
task = gemm(int(workload[5:])) if workload.startswith("gemm-") else tasks[workload]()
serve(task, jax.__version__, threads, {"xor": 500, "xor-scan": 1000}.get(workload, 1))
