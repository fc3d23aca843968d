/** A network as the bytes of a safetensors file: its state by PyTorch's names and layouts, its architecture in the metadata. */
import { fromConfig, type Module, type ModuleConfig } from '../nn/index.ts'
import type { Variable } from '../tensor/index.ts'
import type { Arrays } from './checkpoint.ts'
import { decodeSafetensors, encodeSafetensors, type NamedArray } from './safetensors.ts'

export interface ModelFile {
  /** Absent in files of other programs. */
  readonly network?: ModuleConfig
  readonly arrays: Arrays
}

/** The values of variables, copied to the host. */
export const arraysOf = (variables: Readonly<Record<string, Variable>>): Arrays =>
  Object.fromEntries(
    Object.entries(variables).map(([name, v]): [string, NamedArray] => [
      name,
      { dtype: v.dtype, shape: v.shape, data: v.dataSync() },
    ]),
  )

/** The network as it is now. */
export const modelFileOf = (net: Module): ModelFile => ({ network: net.config, arrays: arraysOf(net.state()) })

export function encodeModel({ network, arrays }: ModelFile): Uint8Array<ArrayBuffer> {
  return encodeSafetensors(arrays, { format: 'pt', ...(network ? { [networkKey]: JSON.stringify(network) } : {}) })
}

/** What a file holds; `name` is what messages call it. Throws if it is damaged. */
export function decodeModel(bytes: Uint8Array, name: string): ModelFile {
  const { tensors, metadata } = decodeSafetensors(bytes, name)
  const arrays = Object.fromEntries([...tensors].map(([path, stored]) => [path, stored.read()]))
  const text = metadata[networkKey]
  return text === undefined ? { arrays } : { network: JSON.parse(text), arrays }
}

/** The network that a file describes, with its state; or `into` with the file's state. Throws if they do not fit. */
export function networkOf(file: ModelFile, name: string, into?: Module): Module {
  if (file.network === undefined && into === undefined)
    throw new Error(`${name}: has no architecture in it; build the network and pass it: load(file, net)`)
  const net = into ?? fromConfig(file.network as ModuleConfig)
  try {
    net.loadState(file.arrays)
  } catch (error) {
    throw new Error(`${name}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
  return net
}

const networkKey = 'tenon.network'
