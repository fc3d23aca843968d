// The scalar language: typed expressions over one element, the meaning of every pointwise operation and the body of every kernel.

/** The types a value can have in a register: `bool` is a lane mask, uint8 values travel as `i32`. */
export type ScalarType = 'f32' | 'f64' | 'i32' | 'bool'

/** Functions that a backend does not have as an instruction: expanded into polynomials for f32, called for f64. */
export type FunctionName =
  | 'exp'
  | 'expm1'
  | 'log'
  | 'log1p'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'asin'
  | 'acos'
  | 'atan'
  | 'atan2'
  | 'sinh'
  | 'cosh'
  | 'tanh'
  | 'asinh'
  | 'acosh'
  | 'atanh'
  | 'erf'
  | 'sigmoid'
  | 'pow'

/**
 * Leaves: `const` (value), `argument` (input number of an op), and in kernels `load` (access number), `index` (loop
 * axis, i32), `accumulator` (result of an earlier reduction).
 * Integer `div` truncates and by zero gives 0, `shr` is logical, `round` goes to even, float `min` and `max` propagate NaN;
 * `convert` to i32 truncates and saturates (NaN gives 0), to bool is `!= 0`, from bool gives 0 or 1;
 * `madd` is a·b + c, rounded once or twice as the machine likes; `threefry` is word 0 or 1 (value) of the block that a key of two
 * words makes of a counter of two words.
 */
export type ExprOp =
  | 'const'
  | 'argument'
  | 'load'
  | 'index'
  | 'accumulator'
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'min'
  | 'max'
  | 'madd'
  | 'neg'
  | 'abs'
  | 'sqrt'
  | 'floor'
  | 'ceil'
  | 'trunc'
  | 'round'
  | 'lt'
  | 'le'
  | 'eq'
  | 'ne'
  | 'and'
  | 'or'
  | 'xor'
  | 'not'
  | 'shl'
  | 'shr'
  | 'sar'
  | 'select'
  | 'convert'
  | 'bitcast'
  | 'threefry'
  | 'call'

/** One node of an expression DAG; shared sub-expressions are shared objects. */
export interface Expr {
  readonly op: ExprOp
  readonly type: ScalarType
  readonly args: readonly Expr[]
  /** The constant, or the number of the argument, access, axis, accumulator or word; 0 elsewhere. */
  readonly value: number
  /** Only on `call`. */
  readonly name?: FunctionName
}

const make = (op: ExprOp, type: ScalarType, args: readonly Expr[], value = 0): Expr => ({ op, type, args, value })

export const constant = (type: ScalarType, value: number): Expr => make('const', type, [], value)
export const argument = (type: ScalarType, index: number): Expr => make('argument', type, [], index)
export const load = (type: ScalarType, access: number): Expr => make('load', type, [], access)
export const index = (axis: number): Expr => make('index', 'i32', [], axis)
export const accumulator = (type: ScalarType, id: number): Expr => make('accumulator', type, [], id)

const binary =
  (op: ExprOp) =>
  (a: Expr, b: Expr): Expr =>
    make(op, same(op, a, b), [a, b])
const unary =
  (op: ExprOp) =>
  (a: Expr): Expr =>
    make(op, a.type, [a])
const comparison =
  (op: ExprOp) =>
  (a: Expr, b: Expr): Expr => {
    same(op, a, b)
    return make(op, 'bool', [a, b])
  }

export const add = binary('add')
export const sub = binary('sub')
export const mul = binary('mul')
export const div = binary('div')
export const min = binary('min')
export const max = binary('max')
export const and = binary('and')
export const or = binary('or')
export const xor = binary('xor')
export const shl = binary('shl')
export const shr = binary('shr')
export const sar = binary('sar')
export const neg = unary('neg')
export const abs = unary('abs')
export const sqrt = unary('sqrt')
export const floor = unary('floor')
export const ceil = unary('ceil')
export const trunc = unary('trunc')
export const round = unary('round')
export const not = unary('not')
export const lt = comparison('lt')
export const le = comparison('le')
export const eq = comparison('eq')
export const ne = comparison('ne')
export const madd = (a: Expr, b: Expr, c: Expr): Expr => make('madd', same('madd', a, b, c), [a, b, c])
export const select = (condition: Expr, a: Expr, b: Expr): Expr =>
  make('select', same('select', a, b), [condition, a, b])
export const convert = (type: ScalarType, a: Expr): Expr => (a.type === type ? a : make('convert', type, [a]))
/** The same 32 bits read as the other type, f32 ↔ i32; of f64 the upper ones, beside which the lower become 0. */
export const bitcast = (type: 'f32' | 'f64' | 'i32', a: Expr): Expr =>
  a.type === type ? a : make('bitcast', type, [a])
export const threefry = (key0: Expr, key1: Expr, counter0: Expr, counter1: Expr, word: 0 | 1): Expr =>
  make('threefry', same('threefry', key0, key1, counter0, counter1), [key0, key1, counter0, counter1], word)
export const call = (name: FunctionName, first: Expr, ...rest: Expr[]): Expr => ({
  op: 'call',
  type: same(name, first, ...rest),
  args: [first, ...rest],
  value: 0,
  name,
})

/** Rebuilds an expression bottom-up, keeping shared parts shared; `f` sees each node after its arguments were replaced. */
export function rewrite(root: Expr, f: (e: Expr) => Expr, memo: Map<Expr, Expr> = new Map()): Expr {
  const known = memo.get(root)
  if (known) return known
  const args = root.args.map((a) => rewrite(a, f, memo))
  const result = f(args.every((a, i) => a === root.args[i]) ? root : { ...root, args })
  memo.set(root, result)
  return result
}

/** Every distinct node of the expressions, arguments before users. */
export function topological(roots: readonly Expr[]): Expr[] {
  const seen = new Set<Expr>()
  const order: Expr[] = []
  const visit = (e: Expr): void => {
    if (seen.has(e)) return
    seen.add(e)
    for (const a of e.args) visit(a)
    order.push(e)
  }
  for (const root of roots) visit(root)
  return order
}

/** A text that is equal exactly for structurally equal expressions; part of the kernel cache's key. */
export function exprKey(roots: readonly Expr[]): string {
  // One walk that writes as it goes: in a first step this is done for hundreds of kernels.
  const ids = new Map<Expr, number>()
  let key = ''
  const visit = (e: Expr): number => {
    const known = ids.get(e)
    if (known !== undefined) return known
    let args = ''
    for (let i = 0; i < e.args.length; i++) args += `${visit(e.args[i] as Expr)},`
    key += `${e.name ?? e.op}:${e.type}${Object.is(e.value, -0) ? '-0' : e.value}(${args});`
    const id = ids.size
    ids.set(e, id)
    return id
  }
  let ends = ''
  for (let i = 0; i < roots.length; i++) ends += `${visit(roots[i] as Expr)},`
  return `${key}>${ends}`
}

function same(what: string, first: Expr, ...rest: Expr[]): ScalarType {
  for (const e of rest) {
    if (e.type !== first.type) throw new TypeError(`${what}: operands have types ${first.type} and ${e.type}`)
  }
  return first.type
}
