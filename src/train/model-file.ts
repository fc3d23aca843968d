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

/** The values of variables as they are now, copied to the host. */
export async function arraysOf(variables: Readonly<Record<string, Variable>>): Promise<Arrays> {
  const read = async ([name, v]: [string, Variable]): Promise<[string, NamedArray]> => {
    const { dtype, shape } = v
    return [name, { dtype, shape, data: await v.data() }]
  }
  return Object.fromEntries(await Promise.all(Object.entries(variables).map(read)))
}

/** The network as it is now. */
export const modelFileOf = async (net: Module): Promise<ModelFile> => ({
  network: net.config,
  arrays: await arraysOf(net.state()),
})

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
