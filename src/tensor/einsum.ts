// Einstein summation: products of tensors whose axes are named by letters, summed over the letters that the result lacks.

import { misfit } from '../graph/refuse.ts'
import { show } from '../graph/shape.ts'
import type { Einsum } from './einsum-types.ts'
import type { ShapesOf } from './joined-types.ts'
import { diagonal } from './matrix.ts'
import type { AnyTensor, Checked, Sound } from './shape-types.ts'
import type { Tensor } from './tensor.ts'

/**
 * NumPy's einsum: `'bij,bjk->bik'` is a batched matrix product, `'ii->i'` a diagonal, `'ij->'` a sum. `...` stands for
 * axes without names. Several tensors are multiplied from left to right, each pair as one matrix product.
 *
 *     einsum('bhid,bhjd->bhij', queries, keys)
 */
export function einsum<const E extends string, const T extends readonly AnyTensor[]>(
  equation: Checked<NoInfer<Einsum<E, ShapesOf<T>>>, E>,
  ...operands: T
): Tensor<Sound<Einsum<E, ShapesOf<T>>>>
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor {
  const { inputs, output } = parse(equation, operands)
  const extents = new Map<string, number>()
  let terms = operands.map((x, i) => {
    const term = withoutRepeats({ tensor: x, labels: inputs[i] })
    term.labels.forEach((label, axis) => {
      const [extent, known] = [term.tensor.shape[axis], extents.get(label)]
      if (known !== undefined && known !== extent && known !== 1 && extent !== 1) {
        throw misfit(
          `einsum '${equation}': '${label}' is ${extent} in operand ${i} ${show(x.shape)} and ${known} in an earlier one`,
        )
      }
      extents.set(label, known === undefined || known === 1 ? extent : known)
    })
    return term
  })
  while (terms.length > 1) {
    const [a, b, ...rest] = terms
    const later = new Set([...output, ...rest.flatMap((t) => t.labels)])
    terms = [contract(a, b, later, extents), ...rest]
  }
  const [last] = terms
  const summed = sumOut(last, new Set(output))
  const sized = summed.tensor.broadcastTo(summed.labels.map((label) => extents.get(label) as number))
  return sized.permute(output.map((label) => summed.labels.indexOf(label)))
}

/** A tensor and the name of each of its axes. */
interface Term {
  readonly tensor: Tensor
  readonly labels: readonly string[]
}

function parse(equation: string, operands: readonly Tensor[]): { inputs: string[][]; output: string[] } {
  const text = equation.replaceAll(' ', '')
  const [left, right, ...more] = text.split('->')
  const sides = left.split(',')
  const valid = /^(?:[A-Za-z]*(?:\.\.\.)?[A-Za-z]*)$/
  if (more.length > 0 || ![...sides, right ?? ''].every((side) => valid.test(side))) {
    throw misfit(`einsum: '${equation}' is not of the form 'ij,jk->ik'`)
  }
  if (sides.length !== operands.length) {
    throw misfit(`einsum: '${equation}' names ${sides.length} operands, ${operands.length} were given`)
  }
  // Unnamed axes are numbered from the right, so that they align as broadcasting aligns them.
  const unnamed = sides.map((side, i) => operands[i].rank - side.replace('...', '').length)
  const most = Math.max(0, ...unnamed)
  const dots = (count: number): string[] => Array.from({ length: count }, (_, i) => `...${count - i}`)
  const inputs = sides.map((side, i) => {
    if (unnamed[i] < 0 || (unnamed[i] > 0 && !side.includes('...'))) {
      throw misfit(`einsum '${equation}': '${side}' does not name the axes of operand ${i}, ${show(operands[i].shape)}`)
    }
    return labelsOf(side, dots(unnamed[i]))
  })
  const output = right === undefined ? implied(inputs, dots(most)) : labelsOf(right, dots(most))
  const known = new Set(inputs.flat())
  const odd = output.find((label, i) => !known.has(label) || output.indexOf(label) !== i)
  if (odd !== undefined)
    throw misfit(`einsum '${equation}': '${odd}' of the result must be once in it and in an operand`)
  return { inputs, output }
}

const labelsOf = (side: string, dots: readonly string[]): string[] => {
  const [before, after] = side.split('...')
  return after === undefined ? [...before] : [...before, ...dots, ...after]
}

/** Without an arrow: the unnamed axes, then every letter that occurs once, in the order of the alphabet. */
function implied(inputs: readonly string[][], dots: readonly string[]): string[] {
  const all = inputs.flat()
  const once = all.filter((label) => label.length === 1 && all.indexOf(label) === all.lastIndexOf(label))
  return [...dots, ...once.sort()]
}

/** A letter that occurs twice in one operand takes its diagonal. */
function withoutRepeats(term: Term): Term {
  const second = term.labels.findIndex((label, axis) => term.labels.indexOf(label) !== axis)
  if (second < 0) return term
  const label = term.labels[second]
  const first = term.labels.indexOf(label)
  const { shape } = term.tensor
  if (shape[first] !== shape[second]) {
    throw misfit(`einsum: '${label}' names axes of ${shape[first]} and ${shape[second]} elements of ${show(shape)}`)
  }
  const rest = term.labels.filter((_, axis) => axis !== first && axis !== second)
  return withoutRepeats({ tensor: diagonal(term.tensor, 0, first, second), labels: [...rest, label] })
}

function sumOut(term: Term, wanted: ReadonlySet<string>): Term {
  const axes = [...term.labels.keys()].filter((axis) => !wanted.has(term.labels[axis]))
  if (axes.length === 0) return term
  return { tensor: term.tensor.sum(axes), labels: term.labels.filter((label) => wanted.has(label)) }
}

/** Two terms as one batched matrix product: [batch, left, shared] @ [batch, shared, right]. */
function contract(a: Term, b: Term, later: ReadonlySet<string>, extents: ReadonlyMap<string, number>): Term {
  const [left, right] = [sumOut(a, new Set([...later, ...b.labels])), sumOut(b, new Set([...later, ...a.labels]))]
  const common = left.labels.filter((label) => right.labels.includes(label))
  const batch = common.filter((label) => later.has(label))
  const shared = common.filter((label) => !later.has(label))
  const rows = left.labels.filter((label) => !common.includes(label))
  const columns = right.labels.filter((label) => !common.includes(label))
  const sizes = (labels: readonly string[]): number[] => labels.map((label) => extents.get(label) as number)
  const count = (labels: readonly string[]): number => sizes(labels).reduce((n, d) => n * d, 1)
  const matrix = (term: Term, first: readonly string[], second: readonly string[]): Tensor => {
    const order = [...batch, ...first, ...second]
    const sorted = term.tensor.permute(order.map((label) => term.labels.indexOf(label)))
    return sorted.broadcastTo(sizes(order)).reshape([...sizes(batch), count(first), count(second)])
  }
  const product = matrix(left, rows, shared).matmul(matrix(right, shared, columns))
  const labels = [...batch, ...rows, ...columns]
  return { tensor: product.reshape(sizes(labels)), labels }
}
