// What doc comments say of exports that are no pieces of networks.
// biome-ignore-all format: made by `npm run docs` from the comments; edit those.
// biome-ignore-all lint: made by `npm run docs`.

import type { Piece } from './piece.ts'

export const reference: { readonly [family: string]: { readonly [name: string]: Piece } } = {
 "tools": {
  "Tensor": {
   "about": "An array of numbers of one dtype, or what will be one: methods build a graph, and reading computes it.",
   "details": "The type says the shape where it is known, as `Tensor<['batch', 784]>`; what does not fit then does not compile. `Tensor` alone has any shape."
  },
  "Variable": {
   "about": "A tensor that optimizers and statistics assign to.",
   "details": "Reading it gives a leaf; a gradient ends there."
  },
  "allClose": {
   "about": "Whether all elements of x are about those of y: a bool scalar.",
   "call": "allClose(x: Tensor, y: Tensor, tolerances: Tolerances = {}): Tensor"
  },
  "arange": {
   "about": "start, start + step, … before stop; int32 unless a dtype is given or a number has a fraction.",
   "call": "arange(start: number, stop?: number, step = 1, dtype?: DType): Tensor"
  },
  "bincount": {
   "about": "How often each of 0 … length − 1 comes among integers, or the sum of their weights: int32, or the weights' dtype.",
   "call": "bincount(x: Tensor, length: number, weights?: Tensor): Tensor",
   "details": "What lies outside is not counted.",
   "code": "bincount(tensor([0, 2, 2], { dtype: 'int32' }), 4) // 1, 0, 2, 0"
  },
  "checkGradient": {
   "about": "Checks the gradients of a function by all float tensors of its arguments, computed in float64, along random directions: linear in the cotangent, equal to central differences, and forward as backward.",
   "call": "checkGradient(fn: (...args: A) => unknown, args: A, options: GradientCheckOptions = {}): Promise<void>",
   "details": "Throws an error that says which argument is wrong and by how much. For pieces of your own, `customGradient` above all.",
   "code": "await checkGradient((x) => swish(x), [random.normal([3, 4])])"
  },
  "checkpoint": {
   "about": "A function with the same values and gradients (to rounding: compiled, sums may be added up in another order), whose intermediate values are computed again when the gradient needs them instead of being kept until then: in a deep network, memory for one more forward pass.",
   "call": "checkpoint(fn: (...args: A) => R): (...args: A)",
   "details": "What the function closes over (weights) gets its gradients too; random draws are the same both times; variables are assigned once.",
   "code": "const block = checkpoint((x) => net.forward(x)) //   keeps x alone"
  },
  "compile": {
   "about": "Compiles a function of tensors into one program: forward, backward and update fused.",
   "call": "compile(fn: (...args: A) => R): Compiled<A, R>",
   "details": "It is traced again when shapes, dtypes, other arguments or the training mode change, or when a module was frozen; numbers and tensors that the function closes over are constants and live inputs respectively; variables that it assigns change when the call ends. Results have no history: take gradients inside.",
   "code": "const step = compile((x, t) => { const l = loss.mse(net(x), t); optimizer.step(grad(l, net.parameters())); return l })"
  },
  "cond": {
   "about": "The result of `then` where the predicate, a bool scalar, is true, else that of `otherwise`, both on the operands and whatever else they read.",
   "call": "cond(predicate: Tensor, then: (...operands: A) => R, otherwise: (...operands: A) => AnyTensors<R>, ...operands: A): AnyTensors<R>",
   "details": "Only one of them runs, forward and backward; both give the same structure of tensors. Values that were built before the call are computed in either case.",
   "code": "const y = cond(x.sum().greater(0), (x) => x.log(), (x) => x.neg(), x)"
  },
  "configure": {
   "about": "Chooses backend, threads, seed and, in a page, the engine's worker.",
   "call": "configure(options: RuntimeOptions): void",
   "details": "Values made before stay with the backend they were made on, so call it first."
  },
  "corrcoef": {
   "about": "The correlations of variables, the rows of x [variables, samples], in [−1, 1]; NaN for a variable that does not vary, as NumPy's `corrcoef`.",
   "call": "corrcoef(x: Tensor): Tensor"
  },
  "cov": {
   "about": "The covariances of variables, the rows of x [variables, samples]: [variables, variables], divided by samples − correction (1 unless told), as NumPy's `cov`.",
   "call": "cov(x: Tensor, correction = 1): Tensor"
  },
  "cross": {
   "about": "The cross product of vectors with three elements in the last axis.",
   "call": "cross(x: Tensor, y: Tensor): Tensor"
  },
  "customGradient": {
   "about": "A function with a derivative of its own.",
   "call": "customGradient(forward: (...inputs: Tensor[]) => Tensor, backward: Backward, options: CustomGradientOptions = {}): (...inputs: Tensor[])",
   "details": "`backward` gets the cotangent of the result, the inputs and the result, and returns one cotangent, or null, per input, linear in the cotangent: it may scale, move, sum and mask it by what does not depend on it. That is checked when a gradient is built, and a TypeError names what breaks it.",
   "code": "const straightThrough = customGradient((x) => x.round(), (g) => [g])"
  },
  "diff": {
   "about": "Each element less the one before it along an axis, `times` times over; the axis is `times` shorter, as NumPy's `diff`.",
   "call": "diff(x: Tensor, times = 1, axis = -1): Tensor"
  },
  "engineInfo": {
   "about": "What computes, once its threads are up.",
   "call": "engineInfo(): Promise<EngineInfo>",
   "details": "It says so only on the console otherwise, and only where something is amiss."
  },
  "evaluate": {
   "about": "The values of metrics over all examples of a data set.",
   "call": "evaluate(net: Module, data: Dataset, metrics: M, options: EvaluateOptions = {}): Promise<Values<M>>",
   "code": "const { loss, accuracy } = await evaluate(net, digits.test, { loss: meanLoss(softmaxCrossEntropy), accuracy })"
  },
  "eye": {
   "about": "1 where the column is the row plus `offset`, else 0.",
   "call": "eye(rows: number, columns = rows, dtype: DType = 'float32', offset = 0): Tensor"
  },
  "fit": {
   "about": "Trains a network on a data set.",
   "call": "fit(net: Module, data: Dataset, options: FitOptions): Promise<Run>",
   "details": "With a run folder, everything that it takes to go on is written as it goes. Throws before any work on options, shapes, folders or checkpoints that do not fit, and at the step where the loss is no longer a finite number.",
   "code": "const run = await fit(net, digits.train, { loss: softmaxCrossEntropy, optimizer: adam(), epochs: 3, validation: digits.test })"
  },
  "full": {
   "about": "Every element `value`.",
   "call": "full(shape: S, value: number, dtype?: D): Tensor<Writable<S>, NoInfer<D>>"
  },
  "grad": {
   "about": "Gradients of a scalar with respect to any tensors: variables, inputs or intermediate values.",
   "call": "grad(output: Tensor | ((...args: readonly unknown[]) => Objective), wrt: Tensor | readonly Tensor[] | number = 0): unknown",
   "details": "They are tensors of a graph themselves and can be differentiated again; zeros where the scalar does not depend on one. Of a function it is the function that gives its gradient by an argument, the first unless told (see `valueAndGrad`):",
   "code": "const [dw, dx] = grad(y, [w, x])\nconst dw = grad(loss)(w, x)"
  },
  "hessian": {
   "about": "The function that gives the second derivatives of a scalar function by its first argument: [...argument, ...argument] for a tensor, a tree of trees else.",
   "call": "hessian(fn: (...args: A) => Objective, options: JacobianOptions = {}): (...args: A)",
   "details": "Forward mode over reverse mode unless told."
  },
  "histogram": {
   "about": "How many elements fall into each of several bins of one width: counts, int32 [bins], and their edges [bins + 1].",
   "call": "histogram(x: Tensor, { low, high, bins = 10 }: HistogramOptions): { counts: Tensor; edges: Tensor }",
   "details": "A bin holds its lower edge, the last one both, as NumPy's `histogram`; what lies outside, and NaN, is not counted."
  },
  "hvp": {
   "about": "The product of the Hessian of a scalar function, by all its arguments, with a vector of their structure, at the cost of a few gradients (Pearlmutter 1994): the gradient's change along the vector ('forward', the default), or the gradient of ⟨gradient, vector⟩ ('reverse').",
   "call": "hvp(fn: (...args: A) => Objective, primals: A, vector: { readonly [K in keyof A]: TangentOf<A[K]> }, options: { readonly mode?: 'forward' | 'reverse' } = {}): A",
   "code": "const [hv] = hvp(loss, [w], [v])"
  },
  "interp": {
   "about": "Piecewise-linear interpolation through the points (xs, ys), both [n], xs ascending; constant beyond the ends, as NumPy's `interp`.",
   "call": "interp(x: Tensor, xs: Tensor, ys: Tensor): Tensor",
   "details": "Gradients go to `x` and `ys`.",
   "code": "interp(tensor([1.5]), tensor([1, 2]), tensor([10, 20])) // 15"
  },
  "iota": {
   "about": "The index along an axis of the given shape, int32.",
   "call": "iota(shape: S, axis: number): Tensor<Writable<S>, 'int32'>"
  },
  "isClose": {
   "about": "Where x is about y: bool.",
   "call": "isClose(x: Tensor, y: Tensor, tolerances: Tolerances = {}): Tensor",
   "details": "Infinities are close to themselves alone."
  },
  "jacobian": {
   "about": "The function that gives all derivatives of a function's result by its first argument: [...result, ...argument] for tensors, else a tree of these, structured as the result and, inside, as the argument.",
   "call": "jacobian(fn: (...args: A) => R, options: JacobianOptions = {}): (...args: A)",
   "code": "jacobian((x) => x.square())(x) //   diag(2x)"
  },
  "jvp": {
   "about": "The Jacobian-vector product: the function's result at the primals, its arguments, and the change of the result along the tangents, by forward-mode differentiation.",
   "call": "jvp(fn: (...args: A) => R, primals: A, tangents: { readonly [K in keyof A]: TangentOf<A[K]> }): [value: R, tangent: R]",
   "details": "Its cost is that of a small number of forward passes, whatever the number of results. A tangent that is null stands for an argument that does not change.",
   "code": "const [y, dy] = jvp((x) => x.square(), [x], [dx]) //   dy = 2 x dx"
  },
  "kron": {
   "about": "Kronecker's product of two matrices: each element of x times all of y, [a, b] and [c, d] give [a·c, b·d].",
   "call": "kron(x: Tensor, y: Tensor): Tensor"
  },
  "linspace": {
   "about": "`count` numbers from start to stop, both included.",
   "call": "linspace(start: number, stop: number, count: number, dtype: DType = 'float32'): Tensor"
  },
  "load": {
   "about": "The network in a file that `save` or a run wrote.",
   "call": "load(file: string, into?: Module): Promise<Module>",
   "details": "A file of another program has no architecture in it: pass a network of the same names and shapes, which takes its state over and is returned. Throws if the file is damaged or does not fit.",
   "code": "const net = await load('digits.safetensors')"
  },
  "maskedSelect": {
   "about": "The elements where the mask, bool of x's first axes, is true, as rows of the remaining axes: NumPy's `x[mask]`.",
   "call": "maskedSelect(x: Tensor, mask: Tensor): Promise<Tensor>",
   "details": "Gradients go back to where the elements came from. Reads the mask, as `nonzero` does.",
   "code": "await maskedSelect(x, x.greater(0)) // the positive elements, a vector"
  },
  "memoryReport": {
   "about": "What lies in the backend's memory now.",
   "call": "memoryReport(): MemoryReport",
   "details": "Values on the host alone are the JavaScript heap's business and not listed."
  },
  "meshgrid": {
   "about": "Vectors as the axes of a grid: for each its value at every point, all of shape [n₁, n₂, …], as NumPy's `meshgrid` with `indexing='ij'`.",
   "call": "meshgrid(...axes: readonly Tensor[]): Tensor[]"
  },
  "moveAxis": {
   "about": "An axis moved to another place, the others in their order.",
   "call": "moveAxis(x: Tensor, from: number, to: number): Tensor"
  },
  "nanMean": {
   "about": "The mean of the elements that are numbers; NaN where there are none.",
   "call": "nanMean(x: Tensor, axes?: Axes, keepAxes = false): Tensor"
  },
  "nanSum": {
   "about": "The sum of the elements that are numbers.",
   "call": "nanSum(x: Tensor, axes?: Axes, keepAxes = false): Tensor"
  },
  "nanToNum": {
   "about": "x with numbers in place of NaN, ∞ and −∞; no gradient goes to those.",
   "call": "nanToNum(x: Tensor, { nan = 0, positive, negative }: ReplacedValues = {}): Tensor"
  },
  "noGrad": {
   "about": "Runs `f`; what it computes is a constant to every later gradient.",
   "call": "noGrad(f: () => T): T"
  },
  "nonzero": {
   "about": "The places at which x is not 0 (or true), in order: int32 [count, rank], as PyTorch's `nonzero`.",
   "call": "nonzero(x: Tensor): Promise<Tensor>",
   "details": "Reads x, for its values decide how many there are; so it cannot be part of a compiled function: use `where` or `maskedFill` there.",
   "code": "await nonzero(tensor([[0, 7], [5, 0]])) // [[0, 1], [1, 0]]"
  },
  "oneHot": {
   "about": "The index of the class as a vector of zeros with a single one, in a new last axis; zeros alone for an index that is no class.",
   "call": "oneHot(indices: Tensor, classes: number, dtype: DType = 'float32'): Tensor"
  },
  "ones": {
   "about": "Ones of a shape, float32 unless told.",
   "call": "ones(shape: S, dtype?: D): Tensor<Writable<S>, NoInfer<D>>"
  },
  "onesLike": {
   "about": "Ones of the shape and dtype of x.",
   "call": "onesLike(x: Tensor<S, D>): Tensor<S, D>"
  },
  "predict": {
   "about": "The outputs of a network for many inputs, computed in batches in evaluation mode. inputs: a data set, or a tensor [examples, …]; gives a tensor [examples, …].",
   "call": "predict(net: Module, inputs: Tensor | Dataset, options: EvaluateOptions = {}): Promise<Tensor>",
   "code": "const digit = await (await predict(net, image.unsqueeze(0))).argmax(-1).item()"
  },
  "repeat": {
   "about": "Each element (or sub-array) `times` times in a row along an axis, as NumPy's `repeat`: [a, b] gives [a, a, b, b].",
   "call": "repeat(x: Tensor, times: number, axis = 0): Tensor"
  },
  "rot90": {
   "about": "A quarter turn of two axes, `times` times, from the first towards the second, as NumPy's `rot90`.",
   "call": "rot90(x: Tensor, times = 1, axes: readonly [number, number] = [0, 1]): Tensor"
  },
  "save": {
   "about": "Writes a network to a safetensors file, whole or not at all: its state by PyTorch's names and layouts, and its architecture.",
   "call": "save(net: Module, file: string): Promise<void>",
   "details": "The folder has to exist. Throws if it can't be written.",
   "code": "await save(net, 'digits.safetensors')"
  },
  "scan": {
   "about": "Folds a function over the first axis of sequences: `body` maps the carry and one slice of each to the next carry and results, which are stacked along a new first axis.",
   "details": "Any of them may be trees of tensors. The body is traced once and compiled once, whatever the length. Variables that it assigns keep their value from turn to turn.",
   "code": "const [total, sums] = scan((sum, x) => [sum.add(x), sum.add(x)], zeros([3]), tensor([[1, 2, 3], [4, 5, 6]]))"
  },
  "scatter": {
   "about": "x with `source` written along an axis, one int32 index for each element of the source, as PyTorch's `scatter` and `scatter_reduce`; where an index comes again, the last value stays with `set`.",
   "call": "scatter(x: Tensor, indices: Tensor, source: Tensor, options: ScatterOptions = {}): Tensor",
   "details": "Indices and source are of one shape, which is that of x but for the axis. The gradient goes to what stays, of `min` and `max` to the last of equal ones. Negative indices count from the end; the rest is moved to the nearest end.",
   "code": "scatter(zeros([4]), tensor([1, 3], { dtype: 'int32' }), tensor([5, 6])) // 0, 5, 0, 6"
  },
  "searchSorted": {
   "about": "Where each value would be put into `sorted` [n], ascending and without NaN, to keep the order: int32 of the values' shape, from 0 to n, as NumPy's `searchsorted`.",
   "call": "searchSorted(sorted: Tensor, values: Tensor, { side = 'left' }: SearchOptions = {}): Tensor",
   "details": "By halving, so in log₂ n steps; NaN goes behind everything.",
   "code": "searchSorted(tensor([1, 3, 5]), tensor([0, 3, 9])) // 0, 1, 3"
  },
  "stabilizations": {
   "about": "What is rewritten when the values are differentiated with respect to `wrt` and evaluated, and what has to be left alone.",
   "call": "stabilizations(values: Tensor | readonly Tensor[], wrt: readonly Tensor[] = []): StabilityReport",
   "code": "console.log(String(stabilizations(x.softmax().log())))\n// log of softmax: log(softmax(x)) → logSoftmax(x), at log(div(exp(sub(…, …)), sum(exp(…)))) float32 [3] …"
  },
  "tensor": {
   "about": "A tensor of nested arrays, or of a typed array with a shape.",
   "call": "tensor(values: Nested | DataArray, options: { readonly shape?: Dims; readonly dtype?: DType } = {}): Tensor",
   "details": "Numbers become float32, booleans bool, typed arrays keep their type; the data is copied.",
   "code": "tensor([[1, 2], [3, 4]])              // float32 [2, 2]\ntensor(new Int32Array(6), { shape: [2, 3] })"
  },
  "tensordot": {
   "about": "The sum over the last `axes` axes of x and the first ones of y, or over pairs of lists of axes, as NumPy's `tensordot`; 2 unless told.",
   "call": "tensordot(x: Tensor, y: Tensor, axes: number | readonly [readonly number[], readonly number[]] = 2): Tensor"
  },
  "trapezoid": {
   "about": "The integral by the trapezoidal rule along an axis, of values `spacing` apart (1 unless told), or at the places that a tensor [values] gives.",
   "call": "trapezoid(y: Tensor, spacing: number | Tensor = 1, axis = -1): Tensor",
   "code": "trapezoid(tensor([1, 1, 3]), tensor([0, 2, 3])) // 2 + 2"
  },
  "unique": {
   "about": "The different values of x, with counts, as the array API's `unique_all`.",
   "call": "unique(x: Tensor): Promise<Distinct>",
   "details": "Reads x, as `nonzero` does; no gradients.",
   "code": "const { values, counts } = await unique(labels)"
  },
  "unstack": {
   "about": "The sub-arrays along an axis, which they lose: the counterpart of `stack`.",
   "call": "unstack(x: Tensor, axis = 0): Tensor[]"
  },
  "valueAndGrad": {
   "about": "The function that gives the value and its gradient by an argument, the first unless told, which may be a tree of tensors; the gradient has its structure.",
   "call": "valueAndGrad(fn: (...args: A) => R, argument?: I): (...args: A)",
   "details": "Where the function returns a list, its first entry is differentiated.",
   "code": "const [value, gradient] = valueAndGrad(loss)(parameters, x, target)"
  },
  "variable": {
   "about": "A variable with the given initial value.",
   "call": "variable(value: Tensor<S, D>, options: { readonly name?: string; readonly trainable?: boolean } = {}): Variable<S, D>"
  },
  "vjp": {
   "about": "The vector-Jacobian product: gradients of Σ ⟨cotangent, output⟩; outputs may have any shape.",
   "call": "vjp(outputs: readonly Tensor[], cotangents: readonly Tensor[], wrt: readonly Tensor[]): Tensor[]"
  },
  "vmap": {
   "about": "Maps a function over an axis of its arguments: it is written for one example, whose tensors lack that axis, and runs for all examples at once.",
   "call": "vmap(fn: (...args: A) => R, options: VmapOptions = {}): (...args: { [K in keyof A]: AnyShape<A[K]> })",
   "details": "Gradients may be taken inside and outside, and maps of maps. Arguments and results may be trees of tensors. Throws where arguments disagree on the number of examples.",
   "code": "const perSample = vmap(grad(loss), { in: [null, 0, 0] })\nconst gradients = perSample(parameters, inputs, targets) //   [examples, ...] for each parameter"
  },
  "whileLoop": {
   "about": "Repeats `body` on the state, a tree of tensors, while `condition` gives true, a bool scalar.",
   "call": "whileLoop(condition: (state: AnyTensors<C>) => Tensor, body: (state: AnyTensors<C>) => AnyTensors<C>, initial: C, options: WhileOptions = {}): AnyTensors<C>",
   "details": "Reverse-mode gradients need a bound on the number of turns, `maximum`.",
   "code": "const halved = whileLoop((x) => x.greater(1), (x) => x.div(2), tensor(100))"
  },
  "withBroadcasting": {
   "about": "Runs `f` with broadcasting as NumPy's or strict (see `configure`).",
   "call": "withBroadcasting(broadcasting: 'numpy' | 'strict', f: () => T): T"
  },
  "withTraining": {
   "about": "Runs `f` with training behaviour on (dropout drops, batch statistics are used and updated) or off.",
   "call": "withTraining(training: boolean, f: () => T): T"
  },
  "write": {
   "about": "Overwrites the data of a tensor made by `tensor` in place, so that a loop can feed batches without allocating.",
   "call": "write(target: Tensor, values: ArrayLike<number>): void"
  },
  "zeros": {
   "about": "Zeros of a shape, float32 unless told.",
   "call": "zeros(shape: S, dtype?: D): Tensor<Writable<S>, NoInfer<D>>"
  },
  "zerosLike": {
   "about": "Zeros of the shape and dtype of x.",
   "call": "zerosLike(x: Tensor<S, D>): Tensor<S, D>"
  }
 },
 "random": {
  "random.bernoulli": {
   "about": "True with probability p, a number or a tensor that broadcasts to the shape; bool.",
   "call": "bernoulli(shape: Dims, p: number | Tensor, options: RandomOptions = {}): Tensor"
  },
  "random.beta": {
   "about": "Beta-distributed numbers in [0, 1] of two parameters above 0: γ(a) / (γ(a) + γ(b)).",
   "call": "beta(shape: Dims, a: number, b: number, options: FloatOptions = {}): Tensor",
   "details": "No gradients."
  },
  "random.categorical": {
   "about": "Draws from the categories of an axis with probabilities softmax(logits), int32, by the Gumbel-max trick; `shape`, if given, comes before the remaining axes, for several draws each.",
   "call": "categorical(logits: Tensor, options: RandomOptions & { readonly axis?: number; readonly shape?: Dims } = {}): Tensor",
   "code": "random.categorical(tensor([0, Math.log(3)]), { shape: [1000] })   // 1 in three quarters of the draws"
  },
  "random.exponential": {
   "about": "Standard exponential numbers, −log(1 − u).",
   "call": "exponential(shape: Dims, options: FloatOptions = {}): Tensor"
  },
  "random.fold": {
   "about": "A key that depends on another key and a number: independent streams for layers, steps and calls.",
   "call": "fold(k: Key, value: number | Tensor): Key"
  },
  "random.gamma": {
   "about": "Gamma-distributed numbers of the given shape parameter, above 0, and scale 1, by Marsaglia and Tsang (2000): of eight proposals, of which each is taken with more than 95 %, the first that is.",
   "call": "gamma(shape: Dims, concentration: number, options: FloatOptions = {}): Tensor",
   "details": "No gradients."
  },
  "random.gumbel": {
   "about": "The standard Gumbel distribution, −log(−log u): the largest of many draws.",
   "call": "gumbel(shape: Dims, options: FloatOptions = {}): Tensor"
  },
  "random.integers": {
   "about": "Whole numbers in [low, high), int32; no value is likelier than another by more than 2^-32·(high − low).",
   "call": "integers(shape: Dims, low: number, high: number, options: RandomOptions = {}): Tensor"
  },
  "random.key": {
   "about": "The key of a seed, any safe integer.",
   "call": "key(seed: number): Key",
   "details": "Throws on other numbers."
  },
  "random.laplace": {
   "about": "Numbers of the Laplace distribution around 0, of density e^(−|x|)/2.",
   "call": "laplace(shape: Dims, options: FloatOptions = {}): Tensor"
  },
  "random.nextKey": {
   "about": "The next key of the runtime's own stream: another one for every call and, in vmap, every example; the same ones for the same seed.",
   "call": "nextKey(): Key"
  },
  "random.normal": {
   "about": "Normal with the given mean and standard deviation, by the Box–Muller transform.",
   "call": "normal(shape: Dims, options: FloatOptions & { readonly mean?: number; readonly std?: number } = {}): Tensor"
  },
  "random.permutation": {
   "about": "The numbers 0 … n − 1 in random order, int32; or the rows of a tensor, along an axis, in random order.",
   "call": "permutation(of: number | Tensor, options: RandomOptions & { readonly axis?: number } = {}): Tensor",
   "code": "const shuffled = random.permutation(examples)"
  },
  "random.poisson": {
   "about": "How many events happen where `rate` of them are expected: a number, or a tensor that broadcasts to the shape.",
   "call": "poisson(shape: Dims, rate: number | Tensor, options: FloatOptions = {}): Tensor",
   "details": "Whole numbers as floats; NaN where a tensor's rate is negative or no number. No gradients. Throws on such a number.",
   "code": "random.poisson([1000], 4).mean() // about 4"
  },
  "random.randomBits": {
   "about": "32 random bits per element, int32.",
   "call": "randomBits(shape: Dims, k: Key = nextKey()): Tensor"
  },
  "random.split": {
   "about": "`count` keys of independent streams, int32 [count, 2].",
   "call": "split(k: Key, count = 2): Tensor"
  },
  "random.truncatedNormal": {
   "about": "Normal with the given mean and standard deviation, conditioned on [low, high] (default: two standard deviations around the mean), by inversion of the distribution function.",
   "call": "truncatedNormal(shape: Dims, options: TruncatedOptions = {}): Tensor"
  },
  "random.uniform": {
   "about": "Uniform on [low, high).",
   "call": "uniform(shape: Dims, options: FloatOptions & { readonly low?: number; readonly high?: number } = {}): Tensor"
  }
 },
 "init": {
  "nn.init.constant": {
   "about": "One number everywhere.",
   "call": "constant(value: number): Initializer"
  },
  "nn.init.fans": {
   "about": "Inputs and outputs of one unit: for weights [out, in, ...kernel].",
   "call": "fans(shape: Dims): { readonly fanIn: number; readonly fanOut: number }",
   "details": "Throws when there are fewer than two axes."
  },
  "nn.init.gain": {
   "about": "The factor that keeps the variance through a nonlinearity, as PyTorch's `calculate_gain`; `slope` is leakyRelu's.",
   "call": "gain(nonlinearity: Nonlinearity, slope = 0.01): number"
  },
  "nn.init.glorotNormal": {
   "about": "Normal with variance 2 / (fan in + fan out) (Glorot & Bengio 2010).",
   "call": "glorotNormal(options: ScaledOptions = {}): Initializer"
  },
  "nn.init.glorotUniform": {
   "about": "Uniform with variance 2 / (fan in + fan out) (Glorot & Bengio 2010).",
   "call": "glorotUniform(options: ScaledOptions = {}): Initializer"
  },
  "nn.init.heNormal": {
   "about": "Normal with variance gain² / fan, gain √2 unless told (He et al. 2015): before relu.",
   "call": "heNormal(options: HeOptions = {}): Initializer"
  },
  "nn.init.heUniform": {
   "about": "Uniform with variance gain² / fan, gain √2 unless told (He et al. 2015).",
   "call": "heUniform(options: HeOptions = {}): Initializer"
  },
  "nn.init.lecunNormal": {
   "about": "Normal with variance 1 / fan in (LeCun et al. 1998); before selu.",
   "call": "lecunNormal(options: ScaledOptions = {}): Initializer"
  },
  "nn.init.lecunUniform": {
   "about": "Uniform with variance 1 / fan in (LeCun et al. 1998).",
   "call": "lecunUniform(options: ScaledOptions = {}): Initializer"
  },
  "nn.init.normal": {
   "about": "Normal with the given mean and standard deviation.",
   "call": "normal(mean = 0, std = 1): Initializer"
  },
  "nn.init.ones": {
   "about": "1 everywhere.",
   "call": "ones(): Initializer"
  },
  "nn.init.orthogonal": {
   "about": "Orthonormal rows or columns, whichever are fewer, of the weight seen as [out, in · kernel] (Saxe et al. 2014).",
   "call": "orthogonal({ gain = 1 }: ScaledOptions = {}): Initializer"
  },
  "nn.init.torchUniform": {
   "about": "Uniform on ±1/√fan in: PyTorch's default for weights (Kaiming uniform with a = √5).",
   "call": "torchUniform(): Initializer"
  },
  "nn.init.uniform": {
   "about": "Uniform on [low, high).",
   "call": "uniform(low = 0, high = 1): Initializer"
  },
  "nn.init.values": {
   "about": "Given numbers, row-major."
  },
  "nn.init.zeros": {
   "about": "0 everywhere.",
   "call": "zeros(): Initializer"
  }
 },
 "building": {
  "nn.ModuleError": {
   "about": "An error from inside a network.",
   "details": "`path` leads from the network that was called to the module; `cause` is the error itself."
  },
  "nn.buffer": {
   "about": "A variable that is kept but not trained.",
   "call": "buffer(name: string, shape: Dims, value: number, dtype: DType = 'float32'): Variable"
  },
  "nn.defineModule": {
   "about": "Makes a module of its data.",
   "call": "defineModule(given: Definition<P, B, C>): Module",
   "details": "Throws nothing.",
   "code": "const scale = (size: number) => defineModule({\n  kind: 'scale', options: { size }, parameters: { weight: variable(ones([size])) },\n  forward: (x, { weight }) => x.mul(weight),\n})"
  },
  "nn.fromConfig": {
   "about": "Rebuilds the architecture that `module.config` describes; its parameters are drawn anew.",
   "call": "fromConfig(config: Json, more: { readonly [kind: string]: FromConfig } = {}): Module",
   "details": "`more` adds kinds of your own. Throws when a kind is unknown, or an option missing or of the wrong type."
  },
  "nn.isModule": {
   "about": "Modules are functions with a definition.",
   "call": "isModule(value: unknown): value is Module"
  },
  "nn.parameter": {
   "about": "A variable to train.",
   "call": "parameter(name: string, shape: Dims, init: Initializer, dtype: DType = 'float32'): Variable",
   "details": "Each draws from a stream of its own, so that one layer's size does not change the next layer's numbers."
  },
  "nn.whiten": {
   "about": "Computes the weight of a `whitening` layer from images [n, inputs, h, w]: eigenvectors of the patches' second moments, each over √(eigenvalue + ε), the largest first, and their negatives when mirrored.",
   "call": "whiten(layer: Module, images: Tensor, options: WhitenOptions): void",
   "details": "Throws on other layers and shapes."
  },
  "optim.optimizer": {
   "about": "An optimizer of a rule of your own; `rate` is only what `learningRate` reports.",
   "call": "optimizer(rule: Rule<S, H>, rate: Rate): Optimizer"
  },
  "augment.affineMaps": {
   "about": "Maps [n, 2, 3] for `warped` that turn by angles (radians), scale by factors and slant by a shear, each [n], and shift [n, 2] by pixels.",
   "call": "affineMaps(angle: Tensor, scale: Tensor, shear: Tensor, shift: Tensor): Tensor"
  },
  "augment.augmented": {
   "about": "The examples after all augmentations, one after another, each with a key of its own; as they are unless training.",
   "call": "augmented(examples: Examples, augmentations: readonly Augmentation[], draw: Draw = drawOf(examples)): Examples",
   "details": "Without a draw the next key of the runtime's stream is taken, epoch 0 and the examples' places in the batch.",
   "code": "const { inputs, targets } = augment.augmented({ inputs: x, targets: t }, [augment.shift(2), augment.flip()])"
  },
  "augment.erased": {
   "about": "The images with `value` in the rectangle of the given extents whose corner is at (top, left), int32 [n].",
   "call": "erased(x: Tensor, top: Tensor, left: Tensor, [rows, columns]: readonly [height: number, width: number], value = 0): Tensor"
  },
  "augment.flipped": {
   "about": "The images for which `isFlipped`, bool [n], is true, mirrored along an axis, the last (left and right) unless told.",
   "call": "flipped(x: Tensor, isFlipped: Tensor, axis = -1): Tensor"
  },
  "augment.mixed": {
   "about": "share·example + (1 − share)·partner, inputs and targets; `partners` int32 [n] are places in the batch, `share` [n].",
   "call": "mixed({ inputs, targets }: Examples, partners: Tensor, share: Tensor): Examples"
  },
  "augment.moved": {
   "about": "Each image as seen through a window whose corner is at (top, left), int32 [n], of the image: a shift, or with smaller `extents` a crop. x: [n, ..., h, w].",
   "call": "moved(x: Tensor, top: Tensor, left: Tensor, options: MoveOptions = {}): Tensor"
  },
  "augment.warped": {
   "about": "Each image seen through an affine map: the pixel at (column, row), counted from the centre, comes from `maps` [n, 2, 3] times (column, row, 1), linear between pixels, 0 outside.",
   "call": "warped(x: Tensor, maps: Tensor): Tensor",
   "details": "Gradients go to images and maps. x: [n, c, h, w]."
  }
 },
 "functional": {
  "nn.functional.adaptiveAveragePool": {
   "about": "The mean of each part of x [n, c, ...spatial], which is cut into `output` parts along each of `axes` axes.",
   "call": "adaptiveAveragePool(x: Tensor, output: PerAxis, axes = 2): Tensor"
  },
  "nn.functional.adaptiveMaxPool": {
   "about": "The largest element of each part, as `adaptiveAveragePool`; the gradient goes to the first of equal ones.",
   "call": "adaptiveMaxPool(x: Tensor, output: PerAxis, axes = 2): Tensor"
  },
  "nn.functional.attentionWeights": {
   "about": "softmax(q kᵀ · scale), masked, [..., queries, keys]: what `scaledDotProductAttention` weighs values by.",
   "call": "attentionWeights(query: Tensor, key: Tensor, options: AttentionOptions = {}): Tensor"
  },
  "nn.functional.averagePool": {
   "about": "The mean of each window. x: [n, c, ...spatial], `axes` of them.",
   "call": "averagePool(x: Tensor, options: AveragePoolOptions, axes = 2): Tensor"
  },
  "nn.functional.batchNormTraining": {
   "about": "Standardizes each channel of x [n, c, ...] by the batch (Ioffe & Szegedy 2015); gives mean and biased variance, both [c], too.",
   "call": "batchNormTraining(x: Tensor, weight?: Tensor, bias?: Tensor, epsilon = 1e-5): { y: Tensor; mean: Tensor; variance: Tensor }"
  },
  "nn.functional.categorical": {
   "about": "The distribution over k categories with probabilities softmax(logits), logits [..., k], as a policy over actions.",
   "call": "categorical(logits: Tensor): Categorical",
   "details": "Logits may be −∞, for what is not allowed.",
   "code": "const policy = nn.functional.categorical(net(states))\nconst action = policy.sample()\nconst l = policy.logProbability(action).mul(returns).mean().neg().sub(policy.entropy.mean().mul(0.01))"
  },
  "nn.functional.cellStep": {
   "about": "One turn of a cell: input [n, inputs] and state (hidden [n, outputs]; for lstm cell [n, hidden] too) to the next state.",
   "call": "cellStep(kind: CellKind, x: Tensor, state: readonly Tensor[], weights: CellWeights): readonly Tensor[]"
  },
  "nn.functional.convolution": {
   "about": "Cross-correlation: x [n, c, ...spatial] with weight [out, c / groups, ...kernel], plus bias [out]; any number of spatial axes.",
   "call": "convolution(x: Tensor, weight: Tensor, bias?: Tensor, options: ConvolutionOptions = {}): Tensor",
   "details": "Throws when channels or ranks do not fit, or the kernel is larger than the padded input."
  },
  "nn.functional.convolutionPerExample": {
   "about": "Each example with a weight of its own: x [n, c, ...spatial] with weight [n, out, c / groups, ...kernel], plus bias [n, out].",
   "call": "convolutionPerExample(x: Tensor, weight: Tensor, bias?: Tensor, options: ConvolutionOptions = {}): Tensor",
   "details": "One convolution with a group for each example and group."
  },
  "nn.functional.dispatch": {
   "about": "Sorts n rows with k experts each, `chosen` int32 [n, k] of `count`, into blocks.",
   "call": "dispatch(chosen: Tensor, count: number, options: { size: number } | { capacity: number }): Dispatch",
   "details": "Without a capacity each expert has as many blocks of `size` rows as it needs: there are ⌊(n·k + count·(size − 1)) / size⌋ at most, and nothing is dropped. With a capacity each has one block of so many rows, and what comes later in the batch has no place (Fedus et al. 2021)."
  },
  "nn.functional.interpolate": {
   "about": "x [n, c, ...spatial] with other spatial extents: the nearest element, or linear between neighbours along each axis.",
   "call": "interpolate(x: Tensor, extents: PerAxis, options: InterpolationOptions = {}): Tensor"
  },
  "nn.functional.joinHeads": {
   "about": "x [..., heads, time, d] as [..., time, heads · d].",
   "call": "joinHeads(x: Tensor): Tensor"
  },
  "nn.functional.maxPool": {
   "about": "The largest element of each window; the gradient goes to the first of equal ones. x: [n, c, ...spatial], `axes` of them.",
   "call": "maxPool(x: Tensor, options: PoolOptions, axes = 2): Tensor"
  },
  "nn.functional.maxPoolWithIndices": {
   "about": "The largest element of each window, and its place in the flattened spatial axes, int32, for `maxUnpool`.",
   "call": "maxPoolWithIndices(x: Tensor, options: PoolOptions, axes = 2): { values: Tensor; indices: Tensor }"
  },
  "nn.functional.perAxis": {
   "about": "A number for each axis.",
   "call": "perAxis(value: PerAxis, axes: number, what = '', least = 1): Dims",
   "details": "Throws when there are too many or too few, or one is less than `least` or not whole."
  },
  "nn.functional.poolWindows": {
   "about": "The windows of the spatial axes as last axes: x [n, c, ...spatial] to [n, c, ...positions, ...kernel].",
   "call": "poolWindows(x: Tensor, options: PoolOptions, value: number, axes: number): Tensor"
  },
  "nn.functional.powerPool": {
   "about": "(Σ |x|ᵖ)^(1/p) over each window of x [n, c, ...spatial]; the gradient of a window of zeros is 0.",
   "call": "powerPool(x: Tensor, p: number, options: PoolOptions, axes = 2): Tensor"
  },
  "nn.functional.recurrent": {
   "about": "A cell over x [time, n, inputs]: outputs [time, n, outputs] and the last state.",
   "details": "The input's share of all gates is one matrix product before the loop. Throws when the lengths are not int32 [n] or the truncation is not a whole number ≥ 1."
  },
  "nn.functional.splitHeads": {
   "about": "x [..., time, heads · d] as [..., heads, time, d].",
   "call": "splitHeads(x: Tensor, heads: number): Tensor"
  },
  "nn.functional.splitProjections": {
   "about": "Queries, keys and values side by side, [..., time, 3 · heads · d], as three of [..., heads, time, d].",
   "call": "splitProjections(x: Tensor, heads: number): [Tensor, Tensor, Tensor]"
  },
  "nn.functional.transposedConvolution": {
   "about": "x [n, in, ...spatial] with weight [in, out / groups, ...kernel], plus bias [out], as PyTorch's `conv_transpose`: extents become (extent − 1)·stride − 2·padding + dilation·(kernel − 1) + outputPadding + 1.",
   "call": "transposedConvolution(x: Tensor, weight: Tensor, bias?: Tensor, options: TransposedConvolutionOptions = {}): Tensor",
   "details": "Throws when channels or ranks do not fit."
  },
  "nn.functional.unfold": {
   "about": "Patches of x [n, c, ...spatial] as columns: [n, c · kernel elements, positions], as PyTorch's `unfold`.",
   "call": "unfold(x: Tensor, options: PatchOptions): Tensor"
  },
  "nn.functional.zeroState": {
   "about": "The state before a sequence: zeros.",
   "call": "zeroState(kind: CellKind, n: number, weights: CellWeights): readonly Tensor[]"
  }
 },
 "training": {
  "train.DivergenceError": {
   "about": "Training was given up because the loss grew without end."
  },
  "train.calibration": {
   "about": "What the probability that a network gives its own choice is worth: how often the choice is right, in `bins` of equal width. outputs: logits [batch, classes], or one [batch, 1] or [batch]; targets: labels [batch] or [batch, 1].",
   "call": "calibration(bins = 15): Metric<Reliability>",
   "details": "Throws unless `bins` is a whole number of at least 1."
  },
  "train.confusionMatrix": {
   "about": "How often class i (row) was taken for class j (column). outputs: [batch, classes], targets: labels [batch].",
   "call": "confusionMatrix(classes: number): Metric<number[][]>"
  },
  "train.decodeSafetensors": {
   "about": "What a file holds, after checking all of its header; `name` is what messages call it.",
   "call": "decodeSafetensors(bytes: Uint8Array, name = 'safetensors'): SafetensorsFile",
   "details": "Throws one clear error for a file that is cut short or was not written as the format says."
  },
  "train.divergence": {
   "about": "Whether training diverges: a loss is not finite, or the logarithms of the last losses rise in a straight line, by more than their scatter explains (five standard errors of the slope), to above the first loss.",
   "call": "divergence(losses: readonly number[], options: DivergenceOptions = {}): Divergence",
   "details": "On a quadratic of curvature L, descent with rate η multiplies the loss by (1 − ηL)² at each update, so this is the theorem's η > 2/L.",
   "code": "divergence([1, 1.21, 1.4641, 1.771561]) // { diverges: true, factor: 1.21 }"
  },
  "train.encodeSafetensors": {
   "about": "The bytes of a file with these tensors, in this order, and with strings to go with them.",
   "call": "encodeSafetensors(tensors: Readonly<Record<string, NamedArray>>, metadata: Readonly<Record<string, string>> = {}): Uint8Array<ArrayBuffer>",
   "code": "encodeSafetensors({ bias: { dtype: 'float32', shape: [2], data: new Float32Array(2) } }, { made: 'today' })"
  },
  "train.evaluator": {
   "about": "The same for many calls: what is compiled stays.",
   "call": "evaluator(net: Module, metrics: M): Evaluator<M>"
  },
  "train.findLearningRate": {
   "about": "Looks for a learning rate as Smith (2017): trains with a rate that grows from batch to batch, by the same factor each time, until the loss blows up.",
   "call": "findLearningRate(net: Module, data: Dataset, options: RateFinderOptions): Promise<RateFinding>",
   "details": "The network is given back its parameters and the runtime its random numbers, also after an error. Throws what `fit` throws before any work, and on rates that make no ramp.",
   "code": "const { suggested = 1e-3 } = await findLearningRate(net, train, { loss: softmaxCrossEntropy, batchSize: 128 })"
  },
  "train.meanLoss": {
   "about": "The mean of a loss over all examples.",
   "call": "meanLoss(loss: Loss): Metric"
  },
  "train.meanProbability": {
   "about": "The geometric mean of the probabilities that a network gives what is right: e to minus the mean of a loss that is their −log, as softmaxCrossEntropy and its like are.",
   "call": "meanProbability(loss: Loss): Metric"
  },
  "train.perplexity": {
   "about": "One by `meanProbability`: among how many equally likely choices the network still hesitates.",
   "call": "perplexity(loss: Loss): Metric"
  },
  "train.stopOnDivergence": {
   "about": "A callback for `fit` that ends a diverging run with a `DivergenceError`, long before the loss is no number any more: as soon as it grows geometrically and is `growth` (10 unless told) times the first.",
   "call": "stopOnDivergence(options: DivergenceOptions = {}): Callbacks",
   "code": "await fit(net, data, { …, callbacks: stopOnDivergence() })"
  },
  "train.sweep": {
   "about": "Makes a trial for each combination of settings, in order, and gives all of them.",
   "details": "A `DivergenceError` of a trial is part of the table; what else it throws ends the sweep. Throws on a grid with nothing to try. A trial that gives `fit` a run folder and `resume` goes on where a killed sweep ended.",
   "code": "const trials = await sweep({ learningRate: [3e-2, 3e-3, 3e-4], seed: [0, 1] }, async ({ learningRate, seed }) => {\n  const run = await fit(build(), train, { loss, optimizer: optim.adam({ learningRate }), epochs: 2, seed, validation: test })\n  return { loss: run.history[1].validation.loss }\n})"
  },
  "train.topK": {
   "about": "The share of examples whose target is among the k largest logits. outputs: [batch, classes], targets: labels [batch].",
   "call": "topK(k: number): Metric"
  }
 },
 "data": {
  "data.cacheFolder": {
   "about": "Where downloads are kept: TENON_CACHE, or `tenon` in the user's cache folder (XDG_CACHE_HOME, ~/.cache).",
   "call": "cacheFolder(environment: Readonly<Record<string, string | undefined>> = process.env): string"
  },
  "data.compose": {
   "about": "Applies transforms one after another.",
   "call": "compose(...transforms: readonly ExampleTransform[]): ExampleTransform"
  },
  "data.csv": {
   "about": "Reads a CSV file (gzip or not; in a page, of a URL) as a data set; see `parseCsv` for what may be in it.",
   "call": "csv(path: string, options: CsvOptions): Promise<Dataset>",
   "details": "Its path is the name unless told.",
   "code": "const penguins = await csv('penguins.csv', { target: 'species', features: ['bill_length_mm'], missing: 'drop' })"
  },
  "data.dataset": {
   "about": "Makes a data set after checking every number of it: lengths against shapes, inputs finite, labels whole and in range.",
   "call": "dataset(source: DatasetSource): Dataset",
   "details": "Typed arrays are kept, not copied. Throws with the place of the first bad number.",
   "code": "dataset({ inputs: [0, 0, 1, 1], inputShape: [2], targets: [0, 1], classes: 2 }).length // 2"
  },
  "data.digits": {
   "about": "Draws digits 0–9 as images [1, 28, 28] from pen strokes, with random style, shake, bend, slant, turn, size, place, pen, ink and grain, then normalises them with `digitsScale`.",
   "call": "digits(options: DigitsOptions = {}): { readonly train: Dataset; readonly test: Dataset }",
   "details": "Image i depends on the seed and i alone, and each ten images hold each digit once. A linear model reaches about 85 % on the test images, a small convolutional network 99 %. Throws on bad options.",
   "code": "const { train, test } = digits({ train: 10_000, test: 2_000, seed: 0 })"
  },
  "data.foldKey": {
   "about": "The key reached from `key` by a path of whole numbers, such as (epoch, example): each path has a stream of its own.",
   "call": "foldKey(key: RandomKey, ...path: readonly number[]): RandomKey"
  },
  "data.loader": {
   "about": "Makes a loader.",
   "call": "loader(data: Dataset, options: LoaderOptions): Loader",
   "details": "Throws on a batch size that isn't a whole number from 1 to the length of the data, and on other bad options.",
   "code": "for (const batch of loader(train, { batchSize: 128, shuffle: true, seed: 7 }).epoch(0)) step(batch)"
  },
  "data.mapInputs": {
   "about": "A data set whose inputs are `change(example, index)`, each of shape `inputShape` (as before unless told).",
   "call": "mapInputs(data: Dataset, change: (example: Float32Array, index: number) => ArrayLike<number>, inputShape: readonly number[] = data.inputShape): Dataset",
   "details": "`example` is a view for reading. Throws if a result has another length or a number that is not finite."
  },
  "data.mnist": {
   "about": "MNIST: 60,000 training and 10,000 test images [1, 28, 28] with labels 0–9 (LeCun, Cortes and Burges 1998), scaled to [0, 1], then normalised with `mnistScale`.",
   "call": "mnist(options: MnistOptions = {}): Promise<TrainAndTest>",
   "details": "A folder that `data` or TENON_DATA names must have the files (raw or gzip); any data set in that form will do, such as Fashion-MNIST. Otherwise they are downloaded once, checked by SHA-256 and kept. Throws with what to do if there is no way to the data, or if a file is not what it should be.",
   "code": "const { train, test } = await mnist({ data: 'data/mnist' })"
  },
  "data.normalize": {
   "about": "The transform x → (x − mean) / standardDeviation.",
   "call": "normalize(mean: number | readonly number[], standardDeviation: number | readonly number[]): DatasetTransform",
   "details": "Each is one number, one for each entry of the first axis (channels), or one for each input element. Throws on a standard deviation that is not above 0, or a list of another length.",
   "code": "const train = normalize(0.1307, 0.3081)(images)"
  },
  "data.parseCsv": {
   "about": "Reads comma-separated text (RFC 4180; empty lines are skipped) as examples of shape [features].",
   "call": "parseCsv(text: string, options: CsvOptions): Dataset",
   "details": "Throws, with line and column, on rows of different length, cells that aren't numbers, missing values, and target cells outside `classes`.",
   "code": "parseCsv('5.1,3.5,setosa\\n7.0,3.2,versicolor', { target: -1 }).classNames // ['setosa', 'versicolor']"
  },
  "data.randomKey": {
   "about": "The key of a seed (any safe integer); throws on anything else.",
   "call": "randomKey(seed: number): RandomKey"
  },
  "data.randomNoise": {
   "about": "Adds normal noise of the given standard deviation to every element.",
   "call": "randomNoise(standardDeviation: number): ExampleTransform"
  },
  "data.randomShift": {
   "about": "Moves an image [channels, height, width] or [height, width] by up to `pixels` (a whole number) along both axes.",
   "call": "randomShift(pixels: number, options: { readonly fill?: number } = {}): ExampleTransform",
   "details": "What comes in is `fill`, or the nearest edge pixel if it isn't given."
  },
  "data.randomStream": {
   "about": "The stream of random numbers that belongs to a key: `randomStream(foldKey(randomKey(7), epoch)).uniform()`.",
   "call": "randomStream(key: RandomKey): RandomStream"
  },
  "data.readIdx": {
   "about": "Reads an idx file (LeCun's format: 0, 0, type, rank, extents as 32-bit numbers, elements).",
   "call": "readIdx(bytes: Uint8Array, source: string): IdxArray",
   "details": "`source` names the file in errors. Throws on a wrong magic number, an unknown type, and fewer or more bytes than the header promises.",
   "code": "readIdx(bytes, 'train-labels-idx1-ubyte').shape // [60000]"
  },
  "data.renderDigit": {
   "about": "The image `pixels` [height, width] as lines of text, two rows of pixels in each.",
   "call": "renderDigit(pixels: ArrayLike<number>, width: number, height: number, style: RenderStyle = 'half'): string",
   "details": "Grey levels go from the smallest to the largest pixel, so normalised images look as they should. Throws if the number of pixels is not width · height."
  },
  "data.split": {
   "about": "Parts a data set at random, the same way for the same seed.",
   "call": "split(data: Dataset, fractions: number | readonly number[], seed = 0): Dataset[]",
   "details": "One fraction gives two parts, that share and the rest; a list gives a part for each, and one for the rest if they sum to less than 1. Throws if a part would be empty.",
   "code": "const [train, validation] = split(data, 0.8, 0)"
  },
  "data.standardize": {
   "about": "Measures mean and standard deviation (over n, in float64) of a training set; its `transform` then serves every part of the data alike.",
   "call": "standardize(train: Dataset, per: ScalePer = 'feature'): Standardizer",
   "details": "A constant feature is only centred.",
   "code": "const scaler = standardize(train)\nconst [a, b] = [scaler.transform(train), scaler.transform(test)]"
  },
  "data.subset": {
   "about": "The examples at `indices`, in that order; an index may come twice.",
   "call": "subset(data: Dataset, indices: ArrayLike<number>): Dataset",
   "details": "Throws on an index outside the data set."
  },
  "data.take": {
   "about": "The first `count` examples, without copying them.",
   "call": "take(data: Dataset, count: number): Dataset",
   "details": "Throws if there are fewer."
  },
  "data.writeIdx": {
   "about": "The bytes of an idx file.",
   "call": "writeIdx({ shape, data }: IdxArray): Uint8Array<ArrayBuffer>",
   "details": "Throws if the shape doesn't fit the data or has more than 255 axes."
  },
  "data.xorTable": {
   "about": "The four points of XOR: 00 → 0, 01 → 1, 10 → 1, 11 → 0.",
   "call": "xorTable(): Dataset"
  }
 },
 "inspect": {
  "inspect.activity": {
   "about": "Runs a network, in evaluation mode, on one batch or several, and tells of every module without children what it gave: mean and spread, saturated shares and dead units of activations, entropies of softmaxes, and how large gradients are on their way back.",
   "call": "activity(net: Module, examples: Tensor | readonly Tensor[], options: ActivityOptions = {}): Promise<Activity>",
   "details": "Modules inside of loops, branches and mapped functions are left out, as are functions that a module calls itself.",
   "code": "console.log(String(await activity(net, [images], { loss: (y) => loss.softmaxCrossEntropy(y, labels) })))"
  },
  "inspect.affineAt": {
   "about": "The affine function that a piecewise linear network is around a point x (one example, of any shape): net(x) = weight · x + offset, in float64.",
   "call": "affineAt(net: Net, x: Tensor): Promise<AffineMap>",
   "details": "At a kink it is the piece whose derivative the library takes. `net` is called with [1, ...shape of x].",
   "code": "const { weight, offset } = await affineAt(net, tensor([0.5, -1]))"
  },
  "inspect.checkPiece": {
   "about": "Checks a function of tensors, on the backend in use: its gradient and the gradient of that (see `checkGradient`); that many at once under `vmap` give what they give one by one; that rows of one tensor, the examples of a batch, do not change each other; that values and gradients are finite for large inputs and zeros; that float32 stays float32 and agrees with float64; and that compiled it is the same.",
   "call": "checkPiece(fn: (...args: A) => unknown, args: A, options: PieceCheckOptions = {}): Promise<void>",
   "details": "Throws one error that lists all that is wrong.",
   "code": "await checkPiece((x) => swish(x), [random.normal([3, 4])])"
  },
  "inspect.graphOf": {
   "about": "Every operation that the values depend on, with shapes, costs and the modules they belong to.",
   "call": "graphOf(values: Values, options: GraphOptions = {}): GraphDescription",
   "details": "Nothing is computed.",
   "code": "const l = loss.mse(net(x), t)\nconsole.log(String(graphOf({ loss: l, gradient: grad(l, w) }, { names: { x } })))"
  },
  "inspect.graphSvg": {
   "about": "An SVG of the graph behind values, or behind what a function of tensors gives: operations as boxes, coloured by kind, in frames by module, shapes on the arrows; the derivative is drawn mirrored beneath.",
   "call": "graphSvg(values: Values | (() => Values), options: PictureOptions = {}): string",
   "details": "Throws when there is too much to draw.",
   "code": "const l = loss.mse(net(x), t)\nwriteFileSync('net.svg', graphSvg({ loss: l, 'd weight': grad(l, w) }, { names: { x, t } }))"
  },
  "inspect.linearRegions": {
   "about": "The linear regions of a piecewise linear network of one or two inputs in a box, exactly, in float64: every part of the box is cut where a kink of the network crosses it, and neighbours with the same affine map are one region (Serra et al. 2018; Hanin & Rolnick 2019).",
   "call": "linearRegions(net: Net, box: readonly Interval[], options: LinearRegionsOptions = {}): Promise<LinearRegions>",
   "details": "`net` is called with [1, inputs]. Throws for what is not piecewise linear, with the operation and its module.",
   "code": "const { count, breakpoints } = await linearRegions((x) => x.relu().add(x.neg().relu()), [[-1, 1]]) // 2, [0]"
  },
  "inspect.profile": {
   "about": "Runs `f` and times every kernel meanwhile, on all threads; what was compiled before is timed too.",
   "call": "profile(f: () => void): Profile",
   "details": "Throws on the reference backend, which has no kernels, and while another recording is in progress.",
   "code": "step(x, t) // compiled and warm\nconsole.log(String(profile(() => step(x, t))))"
  },
  "inspect.regionBound": {
   "about": "How many linear regions a ReLU network of layers of the given widths can have at least, at its best (Montúfar et al. 2014); for one layer it is also the most that it can have (Zaslavsky 1975): Σ C(n, j) for j up to the number of inputs.",
   "call": "regionBound(widths: Dims, inputs: number): number",
   "code": "regionBound([8], 2) // 37 with eight units in one layer\nregionBound([4, 4], 2) // 44 in two"
  },
  "inspect.regionsSvg": {
   "about": "An SVG of what `linearRegions` found.",
   "call": "regionsSvg(found: LinearRegions, options: RegionsPictureOptions = {}): string",
   "details": "Of two inputs each region has the colour of its slope, the hue by its direction; of one, the first output is drawn as a curve whose pieces change their colour. A region's map is its tooltip.",
   "code": "writeFileSync('regions.svg', regionsSvg(await linearRegions(net, [[-1, 1], [-1, 1]])))"
  }
 }
}
