/** A checkpoint: everything that training needs to go on as if it had not stopped, as the bytes of one safetensors file. */
import type { ModuleConfig } from '../nn/index.ts'
import { decodeSafetensors, encodeSafetensors, type NamedArray } from './safetensors.ts'

export type Arrays = Readonly<Record<string, NamedArray>>

export interface Checkpoint {
  /** The architecture, so that another network's checkpoint is refused. */
  readonly network: ModuleConfig
  /** Parameters and buffers by name. */
  readonly model: Arrays
  readonly optimizer: Arrays
  /** What the loop has counted and summed up; numbers are kept bit for bit. */
  readonly progress: Readonly<Record<string, Float64Array>>
}

/** The bytes of a checkpoint. */
export function encodeCheckpoint({ network, model, optimizer, progress }: Checkpoint): Uint8Array<ArrayBuffer> {
  const counted = Object.entries(progress).map(([name, data]): [string, NamedArray] => [
    name,
    { dtype: 'float64', shape: [data.length], data },
  ])
  const parts = { model, optimizer, progress: Object.fromEntries(counted) }
  const tensors = Object.entries(parts).flatMap(([part, arrays]) =>
    Object.entries(arrays).map(([name, array]) => [`${part}/${name}`, array]),
  )
  return encodeSafetensors(Object.fromEntries(tensors), { format, network: JSON.stringify(network) })
}

/** The checkpoint in these bytes; `name` is what messages call the file. Throws if it is damaged or something else. */
export function decodeCheckpoint(bytes: Uint8Array, name: string): Checkpoint {
  const { tensors, metadata } = decodeSafetensors(bytes, name)
  if (metadata.format !== format)
    throw new Error(
      `${name}: no checkpoint of Tenon, its format is '${metadata.format ?? 'not stated'}', not '${format}'`,
    )
  const parts: Record<string, Record<string, NamedArray>> = { model: {}, optimizer: {}, progress: {} }
  for (const [path, stored] of tensors) {
    const slash = path.indexOf('/')
    const part = parts[path.slice(0, slash)]
    if (slash < 0 || part === undefined) throw new Error(`${name}: '${path}' is no part of a checkpoint`)
    part[path.slice(slash + 1)] = stored.read()
  }
  const progress = Object.entries(parts.progress).map(([key, { data }]) => [key, Float64Array.from(data)])
  return {
    network: JSON.parse(metadata.network ?? '{}'),
    model: parts.model,
    optimizer: parts.optimizer,
    progress: Object.fromEntries(progress),
  }
}

const format = 'tenon-checkpoint-1'
