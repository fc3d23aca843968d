// Nested arrays: the elements of a tensor by rows, and back.

import { allocate, type DataArray, type DType } from '../graph/dtype.ts'
import { misfit, mistake } from '../graph/refuse.ts'
import { type Dims, sizeOf } from '../graph/shape.ts'

export type Nested = number | boolean | readonly Nested[]

/** Row-major elements as nested arrays. */
export function nested(data: DataArray, shape: Dims, dtype: DType): Nested {
  const value = (i: number): number | boolean => (dtype === 'bool' ? data[i] !== 0 : (data[i] as number))
  const level = (axis: number, offset: number): Nested => {
    if (axis === shape.length) return value(offset)
    const inner = sizeOf(shape.slice(axis + 1))
    return Array.from({ length: shape[axis] as number }, (_, i) => level(axis + 1, offset + i * inner))
  }
  return level(0, 0)
}

/** Elements and shape of nested arrays; throws when rows differ in length. */
export function flattenNested(values: Nested): { flat: (number | boolean)[]; shape: number[] } {
  const shape: number[] = []
  for (let v = values; Array.isArray(v); v = v[0] as Nested) shape.push(v.length)
  const flat: (number | boolean)[] = []
  const visit = (v: Nested, axis: number, path: string): void => {
    if (!Array.isArray(v)) {
      if (axis !== shape.length)
        throw misfit(`tensor: element ${path || '0'} is a number where a row of ${shape[axis]} was expected`)
      if (typeof v !== 'number' && typeof v !== 'boolean')
        throw mistake(
          `tensor: element ${path || '0'} is ${typeof v === 'string' ? `'${v}'` : String(v)}, it must be a number or a boolean`,
        )
      flat.push(v)
      return
    }
    if (axis >= shape.length || v.length !== shape[axis]) {
      throw misfit(`tensor: row ${path || '0'} has ${v.length} elements, others have ${shape[axis] ?? 'none'}`)
    }
    v.forEach((inner, i) => {
      visit(inner as Nested, axis + 1, `${path}[${i}]`)
    })
  }
  visit(values, 0, '')
  return { flat, shape }
}

export const toArray = (flat: readonly (number | boolean)[], dtype: DType): DataArray => {
  const out = allocate(dtype, flat.length)
  for (let i = 0; i < flat.length; i++) out[i] = dtype === 'bool' ? Number(Boolean(flat[i])) : Number(flat[i])
  return out
}
