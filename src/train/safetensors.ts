/** The safetensors format: a header of names, types and places as JSON, then the numbers of all tensors; bytes in, bytes out. */
import type { DataArray, DType } from '../tensor/index.ts'

/** The numbers of a tensor, row-major, with their type and shape. */
export interface NamedArray {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly data: DataArray
}

/** A tensor in a file; its numbers are decoded when they are asked for. */
export interface StoredTensor {
  /** The file's name of the type, such as `BF16`. */
  readonly storedType: string
  readonly shape: readonly number[]
  /**
   * A copy of the numbers. F16 and BF16 widen to float32; integers that Tenon has no type for become int32.
   * Throws when one of them does not fit.
   */
  read(): NamedArray
}

export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, StoredTensor>
  /** The strings that were written beside the tensors. */
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * The bytes of a file with these tensors, in this order, and with strings to go with them.
 *
 *     encodeSafetensors({ bias: { dtype: 'float32', shape: [2], data: new Float32Array(2) } }, { made: 'today' })
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, NamedArray>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  // Wide numbers first keeps every tensor aligned, as the reference writer does.
  const named = Object.entries(tensors).sort(([, a], [, b]) => width(b) - width(a))
  const entries: [string, unknown][] = Object.keys(metadata).length > 0 ? [[metadataKey, metadata]] : []
  let end = 0
  for (const [name, { dtype, shape, data }] of named) {
    const size = shape.reduce((product, extent) => product * extent, 1)
    if (data.length !== size)
      throw new RangeError(
        `safetensors: '${name}' has ${data.length} numbers, its shape [${shape.join(', ')}] holds ${size}`,
      )
    if (name === metadataKey) throw new RangeError(`safetensors: a tensor cannot be called ${metadataKey}`)
    entries.push([name, { dtype: storedTypes[dtype], shape, data_offsets: [end, end + data.byteLength] }])
    end += data.byteLength
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)))
  const headerBytes = Math.ceil(json.length / alignment) * alignment
  const bytes = new Uint8Array(lengthBytes + headerBytes + end).fill(space, 0, lengthBytes + headerBytes)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true)
  bytes.set(json, lengthBytes)
  let at = lengthBytes + headerBytes
  for (const [, { data }] of named) {
    bytes.set(littleEndian(new Uint8Array(data.slice().buffer), data.BYTES_PER_ELEMENT), at)
    at += data.byteLength
  }
  return bytes
}

/**
 * What a file holds, after checking all of its header; `name` is what messages call it. Throws one clear error for a file that is
 * cut short or was not written as the format says.
 */
export function decodeSafetensors(bytes: Uint8Array, name = 'safetensors'): SafetensorsFile {
  const fail = (what: string): never => {
    throw new Error(`${name}: ${what}`)
  }
  if (bytes.length < lengthBytes) fail(`no safetensors file: ${bytes.length} bytes, its header alone takes more`)
  const stated = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
  const left = bytes.length - lengthBytes
  if (stated > BigInt(largestHeader)) fail(`no safetensors file: its header would take ${stated} bytes`)
  const headerBytes = Number(stated)
  if (headerBytes > left) fail(`cut short: the header takes ${headerBytes} bytes, only ${left} follow its length`)
  const header = parseHeader(bytes.subarray(lengthBytes, lengthBytes + headerBytes), fail)
  // A plain view, because the slice of Node's Buffer does not copy.
  const bodyAt = lengthBytes + headerBytes
  const body = new Uint8Array(bytes.buffer, bytes.byteOffset + bodyAt, bytes.length - bodyAt)

  const tensors = new Map<string, StoredTensor>()
  const ranges: { readonly tensor: string; readonly begin: number; readonly end: number }[] = []
  for (const [tensor, entry] of Object.entries(header)) {
    if (tensor === metadataKey) continue
    const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {}
    const type = storedFormats.get(dtype as string)
    if (typeof dtype !== 'string' || !isWholeList(shape) || !isWholeList(offsets) || offsets.length !== 2)
      return fail(`'${tensor}' lacks a dtype, a shape or two data_offsets`)
    if (type === undefined)
      return fail(`'${tensor}' has type ${dtype}; readable are ${[...storedFormats.keys()].join(', ')}`)
    const [begin, end] = offsets
    if (begin > end || end > body.length)
      fail(
        `'${tensor}' lies at bytes ${begin} to ${end}, but ${body.length} bytes follow the header; was it cut short?`,
      )
    const size = shape.reduce((product, extent) => product * extent, 1)
    if (size * type.bytes !== end - begin)
      fail(
        `'${tensor}' ${dtype} [${shape.join(', ')}] takes ${size * type.bytes} bytes, the header gives it ${end - begin}`,
      )
    ranges.push({ tensor, begin, end })
    const place = `${name}: '${tensor}'`
    const read = (): NamedArray => ({
      dtype: type.dtype,
      shape,
      data: type.read(littleEndian(body.slice(begin, end), type.bytes), place),
    })
    tensors.set(tensor, { storedType: dtype, shape, read })
  }
  checkCover(ranges, body.length, fail)
  const metadata = header[metadataKey] ?? {}
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string'))
    return fail(`${metadataKey} must map names to strings`)
  return { tensors, metadata: metadata as Record<string, string> }
}

const metadataKey = '__metadata__'
const lengthBytes = 8
const alignment = 8
const space = 0x20
const largestHeader = 100_000_000

const storedTypes: Record<DType, string> = {
  float32: 'F32',
  float64: 'F64',
  int32: 'I32',
  uint8: 'U8',
  bool: 'BOOL',
}

interface StoredFormat {
  readonly bytes: number
  /** The type that it is read as. */
  readonly dtype: DType
  /** The numbers in bytes of this machine's order; `place` is for messages. */
  readonly read: (raw: Uint8Array<ArrayBuffer>, place: string) => DataArray
}

const integers =
  (view: (buffer: ArrayBuffer) => ArrayLike<number | bigint>) =>
  ({ buffer }: Uint8Array<ArrayBuffer>, place: string): Int32Array =>
    Int32Array.from(view(buffer), (value, i) => {
      const number = Number(value)
      if (BigInt(number | 0) !== BigInt(value))
        throw new RangeError(`${place} has ${value} at index ${i}, too large for int32`)
      return number
    })

const storedFormats: ReadonlyMap<string, StoredFormat> = new Map([
  ['F64', { bytes: 8, dtype: 'float64', read: ({ buffer }) => new Float64Array(buffer) }],
  ['F32', { bytes: 4, dtype: 'float32', read: ({ buffer }) => new Float32Array(buffer) }],
  ['F16', { bytes: 2, dtype: 'float32', read: ({ buffer }) => Float32Array.from(new Uint16Array(buffer), fromHalf) }],
  ['BF16', { bytes: 2, dtype: 'float32', read: ({ buffer }) => fromBrainFloat(new Uint16Array(buffer)) }],
  ['I64', { bytes: 8, dtype: 'int32', read: integers((buffer) => new BigInt64Array(buffer)) }],
  ['U64', { bytes: 8, dtype: 'int32', read: integers((buffer) => new BigUint64Array(buffer)) }],
  ['I32', { bytes: 4, dtype: 'int32', read: ({ buffer }) => new Int32Array(buffer) }],
  ['U32', { bytes: 4, dtype: 'int32', read: integers((buffer) => new Uint32Array(buffer)) }],
  ['I16', { bytes: 2, dtype: 'int32', read: integers((buffer) => new Int16Array(buffer)) }],
  ['U16', { bytes: 2, dtype: 'int32', read: integers((buffer) => new Uint16Array(buffer)) }],
  ['I8', { bytes: 1, dtype: 'int32', read: integers((buffer) => new Int8Array(buffer)) }],
  ['U8', { bytes: 1, dtype: 'uint8', read: (raw) => raw }],
  ['BOOL', { bytes: 1, dtype: 'bool', read: booleans }],
] satisfies [string, StoredFormat][])

/** A bool is one byte, 0 or 1; anything else would be neither. */
function booleans(raw: Uint8Array<ArrayBuffer>, place: string): Uint8Array {
  const wrong = raw.findIndex((byte) => byte > 1)
  if (wrong >= 0) throw new RangeError(`${place} has ${raw[wrong]} at index ${wrong}, a bool is 0 or 1`)
  return raw
}

/** IEEE 754 binary16: a sign, 5 bits of exponent with bias 15, 10 bits of fraction. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
}

/** A bfloat16 is the upper half of a float32. */
function fromBrainFloat(halves: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer)
}

const width = ({ data }: NamedArray): number => data.BYTES_PER_ELEMENT

const isBigEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0

/** Numbers of `size` bytes from this machine's order to the file's or back; almost every machine has the file's order. */
function littleEndian(raw: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  if (!isBigEndian || size === 1) return raw
  return Uint8Array.from(raw, (_, i) => raw[i - (i % size) + size - 1 - (i % size)])
}

function parseHeader(bytes: Uint8Array, fail: (what: string) => never): Record<string, unknown> {
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    return fail(`no safetensors file: its header is not JSON (${error instanceof Error ? error.message : error})`)
  }
  if (!isRecord(header)) return fail('no safetensors file: its header is not an object')
  return header
}

/** The tensors have to fill the body without a gap and without sharing a byte. */
function checkCover(
  ranges: { readonly tensor: string; readonly begin: number; readonly end: number }[],
  bodyBytes: number,
  fail: (what: string) => never,
): void {
  let reached = 0
  for (const { tensor, begin, end } of ranges.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin < reached)
      fail(`'${tensor}' begins at byte ${begin}, inside the tensor before it, which ends at ${reached}`)
    if (begin > reached) fail(`no tensor has bytes ${reached} to ${begin}, before '${tensor}'`)
    reached = end
  }
  if (reached !== bodyBytes) fail(`the tensors end at byte ${reached}, but ${bodyBytes} bytes follow the header`)
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isWholeList = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((element) => Number.isSafeInteger(element) && element >= 0)
