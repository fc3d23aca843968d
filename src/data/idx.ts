/** The idx file format of the MNIST files: a magic number, the extents, and the numbers, big end first. */

/** The arrays that an idx file can hold. */
export type IdxData = Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array

/** An array with its shape. */
export interface IdxArray {
  readonly shape: readonly number[]
  readonly data: IdxData
}

/** One row for each element type: its code in the magic number, its size, and how an element is read and written. */
const elementTypes = [
  elementType(
    0x08,
    'uint8',
    Uint8Array,
    (view, at) => view.getUint8(at),
    (view, at, x) => view.setUint8(at, x),
  ),
  elementType(
    0x09,
    'int8',
    Int8Array,
    (view, at) => view.getInt8(at),
    (view, at, x) => view.setInt8(at, x),
  ),
  elementType(
    0x0b,
    'int16',
    Int16Array,
    (view, at) => view.getInt16(at),
    (view, at, x) => view.setInt16(at, x),
  ),
  elementType(
    0x0c,
    'int32',
    Int32Array,
    (view, at) => view.getInt32(at),
    (view, at, x) => view.setInt32(at, x),
  ),
  elementType(
    0x0d,
    'float32',
    Float32Array,
    (view, at) => view.getFloat32(at),
    (view, at, x) => view.setFloat32(at, x),
  ),
  elementType(
    0x0e,
    'float64',
    Float64Array,
    (view, at) => view.getFloat64(at),
    (view, at, x) => view.setFloat64(at, x),
  ),
] as const

/**
 * Reads an idx file (LeCun's format: 0, 0, type, rank, extents as 32-bit numbers, elements). `source` names the file in errors.
 * Throws on a wrong magic number, an unknown type, and fewer or more bytes than the header promises.
 *
 *     readIdx(bytes, 'train-labels-idx1-ubyte').shape // [60000]
 */
export function readIdx(bytes: Uint8Array, source: string): IdxArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 4)
    throw new Error(`${source}: not an idx file: ${bytes.length} bytes, but its magic number alone has 4`)
  if (bytes[0] !== 0 || bytes[1] !== 0)
    throw new Error(
      `${source}: not an idx file: it begins with ${hex(bytes.subarray(0, 4))}, expected 00 00, a type and a rank`,
    )
  const type = elementTypes.find(({ code }) => code === bytes[2])
  if (type === undefined)
    throw new Error(
      `${source}: unknown idx element type 0x${hex(bytes.subarray(2, 3))}, expected one of ${elementTypes.map(({ code, name }) => `0x${code.toString(16).padStart(2, '0')} (${name})`).join(', ')}`,
    )
  const rank = bytes[3]
  const headerBytes = 4 + 4 * rank
  if (bytes.length < headerBytes)
    throw new Error(
      `${source}: cut short: ${bytes.length} bytes, but the header of a rank ${rank} idx file has ${headerBytes}`,
    )
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis))
  const count = shape.reduce((product, extent) => product * extent, 1)
  const expected = headerBytes + count * type.bytes
  if (bytes.length !== expected)
    throw new Error(
      `${source}: ${bytes.length < expected ? 'cut short' : 'too long'}: ${bytes.length} bytes, expected ${expected} for ${type.name} of shape [${shape.join(', ')}]; fetch it again`,
    )
  if (type.bytes === 1) return { shape, data: type.copy(bytes.subarray(headerBytes)) }
  const data = type.create(count)
  for (let i = 0; i < count; i++) data[i] = type.read(view, headerBytes + i * type.bytes)
  return { shape, data }
}

/** The bytes of an idx file. Throws if the shape doesn't fit the data or has more than 255 axes. */
export function writeIdx({ shape, data }: IdxArray): Uint8Array<ArrayBuffer> {
  const type = elementTypes.find(({ holds }) => holds(data))
  const count = shape.reduce((product, extent) => product * extent, 1)
  const isShape =
    shape.length <= 255 && shape.every((extent) => Number.isInteger(extent) && extent >= 0 && extent < 2 ** 32)
  if (type === undefined || !isShape || count !== data.length)
    throw new Error(
      `writeIdx: ${data.length} numbers of ${data.constructor.name} do not fit shape [${shape.join(', ')}]`,
    )
  const headerBytes = 4 + 4 * shape.length
  const bytes = new Uint8Array(headerBytes + count * type.bytes)
  const view = new DataView(bytes.buffer)
  bytes[2] = type.code
  bytes[3] = shape.length
  for (let axis = 0; axis < shape.length; axis++) view.setUint32(4 + 4 * axis, shape[axis])
  for (let i = 0; i < count; i++) type.write(view, headerBytes + i * type.bytes, data[i])
  return bytes
}

interface IdxArrayConstructor {
  readonly BYTES_PER_ELEMENT: number
  new (length: number): IdxData
}

function elementType(
  code: number,
  name: string,
  arrayType: IdxArrayConstructor,
  read: (view: DataView, at: number) => number,
  write: (view: DataView, at: number, value: number) => void,
) {
  const create = (length: number): IdxData => new arrayType(length)
  return {
    code,
    name,
    bytes: arrayType.BYTES_PER_ELEMENT,
    holds: (data: IdxData) => data instanceof arrayType,
    create,
    copy: (bytes: Uint8Array) => {
      const data = create(bytes.length)
      data.set(bytes)
      return data
    },
    read,
    write,
  }
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
}
