"""TensorFlow: python tensorflow_peer.py THREADS WORKLOAD [function|xla]. The whole step is one tf.function; images are NHWC.

Written after TensorFlow 2.21. xla: with jit_compile."""
import math, os, sys
threads, workload, mode = int(sys.argv[1]), sys.argv[2], (sys.argv[3:] or ["function"])[0]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import tensorflow as tf
from harness import integers, serve, uniform
tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(1)

params = []
def var(a):
    params.append(tf.Variable(a, dtype=tf.float32))
    return params[-1]
def dense(seed, i, o):
    w, b = var(uniform(seed, i * o, 1 / math.sqrt(i)).reshape(i, o)), var(tf.zeros(o))
    return lambda x: x @ w + b
def norm(d):
    g, b = var(tf.ones(d)), var(tf.zeros(d))
    def f(x):
        m = tf.reduce_mean(x, -1, keepdims=True)
        return (x - m) * tf.math.rsqrt(tf.reduce_mean((x - m) ** 2, -1, keepdims=True) + 1e-5) * g + b
    return f
def batch_of(n, shape): return tf.constant(uniform(1, n * 784).reshape(shape)), tf.constant(integers(2, n, 10), tf.int32)

def mlp():
    a, b, c = dense(10, 784, 512), dense(11, 512, 256), dense(12, 256, 10)
    return lambda x: c(tf.nn.relu(b(tf.nn.relu(a(x))))), *batch_of(128, (128, 784))

def cnn():
    def conv(seed, i, o):
        k, b = var(uniform(seed, o * i * 9, 1 / math.sqrt(i * 9)).reshape(o, i, 3, 3).transpose(2, 3, 1, 0)), var(tf.zeros(o))
        return lambda x: tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, k, 1, "VALID"), b))
    c1, c2, d1, d2 = conv(10, 1, 32), conv(11, 32, 64), dense(12, 9216, 128), dense(13, 128, 10)
    params[4].assign(params[4].numpy().reshape(64, 12, 12, 128).transpose(1, 2, 0, 3).reshape(9216, 128))  # NHWC
    return lambda x: d2(tf.nn.relu(d1(tf.reshape(tf.nn.max_pool2d(c2(c1(x)), 2, 2, "VALID"), (-1, 9216))))), *batch_of(64, (64, 28, 28, 1))

def gpt(V=65, T=128, d=128, layers=4, heads=4, B=16):
    wte, wpe = (var(uniform(s, n * d, 0.05).reshape(n, d)) for s, n in ((10, V), (11, T)))
    mask = tf.where(tf.linalg.band_part(tf.ones((T, T)), -1, 0) > 0, 0.0, -1e30)
    def block(s):
        n1, n2, qkv, proj, fc1, fc2 = norm(d), norm(d), dense(s, d, 3 * d), dense(s + 1, d, d), dense(s + 2, d, 4 * d), dense(s + 3, 4 * d, d)
        def f(h):
            q, k, v = tf.unstack(tf.transpose(tf.reshape(qkv(n1(h)), (B, T, 3, heads, d // heads)), (2, 0, 3, 1, 4)))
            o = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) / math.sqrt(d // heads) + mask) @ v
            h = h + proj(tf.reshape(tf.transpose(o, (0, 2, 1, 3)), (B * T, d)))
            return h + fc2(tf.nn.gelu(fc1(n2(h)), approximate=True))
        return f
    blocks, nf = [block(12 + 4 * i) for i in range(layers)], norm(d)
    head = var(uniform(12 + 4 * layers, d * V, 1 / math.sqrt(d)).reshape(d, V))
    def forward(x):
        h = tf.reshape(tf.gather(wte, x) + wpe, (B * T, d))
        for b in blocks: h = b(h)
        return nf(h) @ head
    return forward, tf.constant(integers(1, B * T, V).reshape(B, T), tf.int32), tf.constant(integers(2, B * T, V), tf.int32)

def supervised(forward, x, y, lr=1e-3, decay=0.0):
    m, v = ([tf.Variable(tf.zeros_like(p)) for p in params] for _ in "mv")
    powers = tf.Variable(1.0), tf.Variable(1.0)
    @tf.function(jit_compile=mode == "xla")
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, forward(x)))
        grads = tape.gradient(loss, params)
        b1, b2 = powers[0].assign(powers[0] * 0.9), powers[1].assign(powers[1] * 0.999)
        epsilon = 1e-8 * tf.sqrt(1 - b2)  # the op adds it before the bias correction, the other peers after
        for p, a, b, g in zip(params, m, v, grads):
            if decay: p.assign(p * (1 - lr * decay))
            tf.raw_ops.ResourceApplyAdam(var=p.handle, m=a.handle, v=b.handle, beta1_power=b1, beta2_power=b2, lr=lr, beta1=0.9,
                                         beta2=0.999, epsilon=epsilon, grad=tf.convert_to_tensor(g))
        return loss
    def steps(count):
        for _ in range(count): loss = step(x, y)
        return float(loss)
    return steps

tasks = {"mlp": lambda: supervised(*mlp()), "cnn": lambda: supervised(*cnn()), "gpt": lambda: supervised(*gpt(), decay=0.01)}
serve(tasks[workload](), tf.__version__, threads)
