// An ONNX model as bytes: protocol buffers with the few fields that a feed-forward network needs (onnx.proto, IR version 8).

/** @param {number} n a whole number of at most 32 bits, seven bits a byte. */
function varint(n) {
  const bytes = []
  for (; n > 127; n = Math.floor(n / 128)) bytes.push((n % 128) | 128)
  return Buffer.from([...bytes, n])
}

const number = (field, value) => Buffer.concat([varint(field * 8), varint(value)])
const bytes = (field, value) => Buffer.concat([varint(field * 8 + 2), varint(value.length), value])
const text = (field, value) => bytes(field, Buffer.from(value))
const message = (field, ...parts) => bytes(field, Buffer.concat(parts))

/** A node of the graph; attributes are whole numbers or lists of them. */
export const node = (type, inputs, output, attributes = {}) =>
  message(
    1,
    ...inputs.map((input) => text(1, input)),
    text(2, output),
    text(4, type),
    ...Object.entries(attributes).map(([name, value]) =>
      Array.isArray(value)
        ? message(5, text(1, name), ...value.map((n) => number(8, n)), number(20, 7))
        : message(5, text(1, name), number(3, value), number(20, 2)),
    ),
  )

/** A constant of the graph. */
export const floats = (name, shape, values) =>
  message(
    5,
    ...shape.map((extent) => number(1, extent)),
    number(2, 1),
    text(8, name),
    bytes(9, Buffer.from(values.buffer, values.byteOffset, values.byteLength)),
  )

const face = (field, { name, shape }) =>
  message(
    field,
    text(1, name),
    message(2, message(1, number(1, 1), message(2, ...shape.map((extent) => message(1, number(1, extent)))))),
  )

/** One input, one output, float32, opset 13. */
export const model = ({ input, output, nodes, weights }) =>
  Buffer.concat([
    number(1, 8),
    message(7, ...nodes, text(2, 'network'), ...weights, face(11, input), face(12, output)),
    message(8, number(2, 13)),
  ])
