// A worker of the program's own that computes: with what waits for its numbers first, then reading at once.
import { grad, tensor } from '../../src/tensor/index.ts'

const x = tensor([1, 2, 3])
const gradient = await grad(x.square().sum(), x).array()
postMessage({ gradient, atOnce: x.sum().itemSync() })
