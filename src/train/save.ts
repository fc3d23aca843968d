/** Saving networks to files and loading them. */
import type { Module } from '../nn/index.ts'
import { decodeModel, encodeModel, modelFileOf, networkOf } from './model-file.ts'

/**
 * Writes a network to a safetensors file, whole or not at all: its state by PyTorch's names and layouts, and its architecture. The
 * folder has to exist. Throws if it can't be written.
 *
 *     await save(net, 'digits.safetensors')
 */
export async function save(net: Module, file: string): Promise<void> {
  const { writeWhole } = await import('#run-files')
  writeWhole(file, encodeModel(await modelFileOf(net)))
}

/**
 * The network in a file that `save` or a run wrote. A file of another program has no architecture in it: pass a network of
 * the same names and shapes, which takes its state over and is returned. Throws if the file is damaged or does not fit.
 *
 *     const net = await load('digits.safetensors')
 */
export async function load(file: string, into?: Module): Promise<Module> {
  const { readBytes } = await import('#run-files')
  return networkOf(decodeModel(await readBytes(file), file), file, into)
}
