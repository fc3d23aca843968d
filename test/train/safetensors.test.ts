// The safetensors codec: files of the reference library, a round trip of every type, and damaged files.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { decodeSafetensors, encodeSafetensors, type NamedArray } from '../../src/train/safetensors.ts'

const shared = fileURLToPath(new URL('../../../shared/data/safetensors/', import.meta.url))
const absent = !existsSync(shared)
const missing = absent ? ' (left out: needs ../shared/data/safetensors beside the repository)' : ''

interface Expected {
  readonly error?: string
  readonly [name: string]: unknown
}

test.skipIf(absent)(`files of the reference library${missing}`, () => {
  const expected: Record<string, Expected> = JSON.parse(readFileSync(`${shared}expected.json`, 'utf8'))
  expect(Object.keys(expected).sort()).toEqual(
    readdirSync(shared)
      .filter((f) => f.endsWith('.safetensors'))
      .sort(),
  )
  for (const [file, content] of Object.entries(expected)) {
    const bytes = new Uint8Array(readFileSync(shared + file))
    if (content.error !== undefined) {
      expect(() => decodeSafetensors(bytes, file)).toThrow(file)
      continue
    }
    const { tensors } = decodeSafetensors(bytes, file)
    expect([...tensors.keys()].sort()).toEqual(Object.keys(content).sort())
    for (const [name, stored] of tensors) {
      const { shape, data } = content[name] as { shape: number[]; data: (number | boolean)[] }
      expect(stored.shape).toEqual(shape)
      if (file === 'all_dtypes.safetensors' && ['u64', 'i64'].includes(name)) {
        expect(() => stored.read()).toThrow(/'(u|i)64' has 9007199254740992 at index 0, too large for int32/)
      } else expect([...stored.read().data]).toEqual(data.map(Number))
    }
  }
})

test('what is written is read again, with its strings, whatever the order of types', () => {
  const tensors: Record<string, NamedArray> = {
    mask: { dtype: 'bool', shape: [3], data: Uint8Array.of(1, 0, 1) },
    'block.0.weight': { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, -0, Number.NaN, 1e-45) },
    bytes: { dtype: 'uint8', shape: [1, 2], data: Uint8Array.of(0, 255) },
    double: { dtype: 'float64', shape: [], data: Float64Array.of(0.1) },
    none: { dtype: 'float32', shape: [0, 4], data: new Float32Array(0) },
    'naïve/名前': { dtype: 'int32', shape: [2], data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1) },
  }
  const bytes = encodeSafetensors(tensors, { note: 'é"\n', __proto: 'x' })
  const file = decodeSafetensors(bytes)
  expect(file.metadata).toEqual({ note: 'é"\n', __proto: 'x' })
  expect(Object.fromEntries([...file.tensors].map(([name, t]) => [name, t.read()]))).toEqual(tensors)
  // The numbers begin at a multiple of 8, so that readers may map the file.
  expect(new DataView(bytes.buffer).getUint32(0, true) % 8).toBe(0)
})

test('bytes inside a larger buffer, and a copy that the file does not share', () => {
  const bytes = encodeSafetensors({ a: { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } })
  const shifted = new Uint8Array(bytes.length + 5)
  shifted.set(bytes, 5)
  const [first, ofBuffer] = [shifted.subarray(5), Buffer.from(shifted.buffer, 5)].map((file) =>
    decodeSafetensors(file).tensors.get('a')?.read(),
  )
  shifted.fill(9)
  expect(first?.data).toEqual(Float32Array.of(1, 2))
  expect(ofBuffer?.data).toEqual(Float32Array.of(1, 2))
})

test('small types widen', () => {
  const file = handmade(
    {
      half: { dtype: 'F16', shape: [5], data_offsets: [0, 10] },
      small: { dtype: 'I8', shape: [2], data_offsets: [10, 12] },
    },
    [0x00, 0x3c, 0x01, 0x00, 0x00, 0xfc, 0xff, 0x7b, 0x00, 0x80, 0x80, 0x7f],
  )
  const { tensors } = decodeSafetensors(file)
  expect(tensors.get('half')?.read().data).toEqual(Float32Array.of(1, 2 ** -24, -Infinity, 65504, -0))
  expect(tensors.get('small')?.read()).toEqual({ dtype: 'int32', shape: [2], data: Int32Array.of(-128, 127) })
})

test.each([
  ['shorter than its length', new Uint8Array(7), /file: no safetensors file: 7 bytes/],
  ['an absurd length', Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 255), /its header would take 18374686479671623680 bytes/],
  [
    'header cut short',
    Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 123),
    /cut short: the header takes 9 bytes, only 1 follow/,
  ],
  ['no JSON', Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 123, 123), /its header is not JSON/],
  ['no object', handmade([], []), /its header is not an object/],
  [
    'unknown type',
    handmade({ a: { dtype: 'F8_E4M3', shape: [1], data_offsets: [0, 1] } }, [0]),
    /'a' has type F8_E4M3; readable are/,
  ],
  ['no offsets', handmade({ a: { dtype: 'F32', shape: [1] } }, [0]), /'a' lacks a dtype, a shape or two data_offsets/],
  ['negative extent', handmade({ a: { dtype: 'U8', shape: [-1], data_offsets: [0, 1] } }, [0]), /'a' lacks/],
  [
    'body cut short',
    handmade({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } }, [0, 0, 0]),
    /'a' lies at bytes 0 to 8, but 3 bytes/,
  ],
  [
    'wrong byte count',
    handmade({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 4] } }, [0, 0, 0, 0]),
    /'a' F32 \[2\] takes 8 bytes, the header gives it 4/,
  ],
  [
    'a gap',
    handmade({ a: { dtype: 'U8', shape: [1], data_offsets: [1, 2] } }, [0, 0]),
    /no tensor has bytes 0 to 1, before 'a'/,
  ],
  [
    'overlap',
    handmade(
      { a: { dtype: 'U8', shape: [2], data_offsets: [0, 2] }, b: { dtype: 'U8', shape: [2], data_offsets: [1, 3] } },
      [0, 0, 0],
    ),
    /'b' begins at byte 1, inside the tensor before it, which ends at 2/,
  ],
  [
    'trailing bytes',
    handmade({ a: { dtype: 'U8', shape: [1], data_offsets: [0, 1] } }, [0, 0]),
    /the tensors end at byte 1, but 2 bytes follow/,
  ],
  ['numbers in metadata', handmade({ __metadata__: { a: 1 } }, []), /__metadata__ must map names to strings/],
])('refused: %s', (_what, bytes, message) => {
  expect(() => decodeSafetensors(bytes, 'file')).toThrow(message)
})

test('refused when it is read: a bool that is neither', () => {
  const { tensors } = decodeSafetensors(handmade({ a: { dtype: 'BOOL', shape: [2], data_offsets: [0, 2] } }, [1, 2]))
  expect(() => tensors.get('a')?.read()).toThrow("'a' has 2 at index 1, a bool is 0 or 1")
})

test('refused when it is written: numbers that do not fit the shape', () => {
  const a: NamedArray = { dtype: 'float32', shape: [3], data: new Float32Array(2) }
  expect(() => encodeSafetensors({ a })).toThrow("'a' has 2 numbers, its shape [3] holds 3")
})

function handmade(header: unknown, body: readonly number[]): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header))
  const bytes = new Uint8Array(8 + json.length + body.length)
  bytes[0] = json.length & 255
  bytes[1] = json.length >> 8
  bytes.set(json, 8)
  bytes.set(body, 8 + json.length)
  return bytes
}
