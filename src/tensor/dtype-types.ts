// Element types as types: the rules of `graph/dtype.ts`, told to the compiler as tables. A dtype that is not known stays so.

import type { DType } from '../graph/dtype.ts'

interface Promotions {
  bool: { bool: 'bool'; uint8: 'uint8'; int32: 'int32'; float32: 'float32'; float64: 'float64' }
  uint8: { bool: 'uint8'; uint8: 'uint8'; int32: 'int32'; float32: 'float32'; float64: 'float64' }
  int32: { bool: 'int32'; uint8: 'int32'; int32: 'int32'; float32: 'float32'; float64: 'float64' }
  float32: { bool: 'float32'; uint8: 'float32'; int32: 'float32'; float32: 'float32'; float64: 'float64' }
  float64: { bool: 'float64'; uint8: 'float64'; int32: 'float64'; float32: 'float64'; float64: 'float64' }
}

/** The dtype of an operation on both. */
export type Promote<A extends DType, B extends DType> = DType extends A | B ? DType : Promotions[A][B]

interface WithNumbers {
  bool: 'int32' | 'float32'
  uint8: 'uint8' | 'float32'
  int32: 'int32' | 'float32'
  float32: 'float32'
  float64: 'float64'
}

/** The dtype of an operation with a number, which makes floats of integers where it has a fraction. */
export type WithNumber<D extends DType> = DType extends D ? DType : WithNumbers[D]

interface Floatings {
  bool: 'float32'
  uint8: 'float32'
  int32: 'float32'
  float32: 'float32'
  float64: 'float64'
}

/** Integers and booleans as float32; floats as they are. */
export type Floating<D extends DType> = DType extends D ? DType : Floatings[D]

interface Wideneds {
  bool: 'int32'
  uint8: 'int32'
  int32: 'int32'
  float32: 'float32'
  float64: 'float64'
}

/** What sums and products count in. */
export type Widened<D extends DType> = DType extends D ? DType : Wideneds[D]
