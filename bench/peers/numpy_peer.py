"""NumPy's product, that is its BLAS: python numpy_peer.py THREADS gemm-N."""
import os, sys
threads, workload = int(sys.argv[1]), sys.argv[2]
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(threads)
import numpy as np
from harness import serve, uniform

n = int(workload[5:])
a, b = (uniform(seed, n * n).reshape(n, n) for seed in (1, 2))

def steps(count):
    for _ in range(count): a @ b

serve(steps, np.__version__, threads)
