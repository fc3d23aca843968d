"""What the Python peers share: the benchmark's numbers and its turns, as in src/cli/bench/numbers.ts, timing.ts and serve.ts."""
import json, sys, time
import numpy as np

def _hash(seed, count):
    mask = np.uint64(0xFFFFFFFF)
    x = (np.arange(count, dtype=np.uint64) + np.uint64((seed * 0x9E3779B9) & 0xFFFFFFFF)) & mask
    x ^= x >> np.uint64(16)
    x = (x * np.uint64(0x85EBCA6B)) & mask
    x ^= x >> np.uint64(13)
    x = (x * np.uint64(0xC2B2AE35)) & mask
    return x ^ (x >> np.uint64(16))

def uniform(seed, count, scale=1.0):
    """Numbers in [-scale, scale), float32."""
    return ((_hash(seed, count).astype(np.float64) / 2**32 * 2 - 1) * scale).astype(np.float32)

def integers(seed, count, bound):
    """Integers in [0, bound)."""
    return (_hash(seed, count) % np.uint64(bound)).astype(np.int64)

def serve(steps, version, threads, chunk=1):
    """Takes turns: `steps(count)` makes so many steps, waits for the last, and gives its loss or None."""
    now = lambda: time.perf_counter() * 1000
    write = lambda line: print(json.dumps(line), flush=True)
    start = now()
    losses = [steps(1)]
    first = now() - start
    trains = losses[0] is not None
    least = 5 if trains else 0
    most = least if first > 3000 else 10 if trains else 3
    start = now()
    for i in range(most):
        if i >= least and now() - start > 3000: break
        losses.append(steps(1))
    write({"version": version, "threads": threads, "firstStepMs": first, "losses": losses if trains else []})
    def sample(most, budget):
        samples, loss, start = [], None, now()
        while len(samples) < most and (now() - start < budget or not samples):
            before = now()
            loss = steps(chunk)
            samples.append((now() - before) / chunk)
        return {"samples": samples, "lastLoss": loss}
    for line in sys.stdin:
        start = now()
        given = sample(1, 0)  # does not count: caches have seen other programs since the last turn
        spent = now() - start
        write(given if spent > float(line) / 4 else sample(10000, float(line) - spent))
