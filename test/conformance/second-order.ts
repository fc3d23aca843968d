/** The two functions of three numbers whose derivatives the PyTorch fixture has: sin(v0·v1) + v1³·e^v2 and its vector sibling. */

import { stack, type Tensor } from '../../src/tensor/index.ts'

export const scalarFunction = (v: Tensor): Tensor =>
  v
    .at(0)
    .mul(v.at(1))
    .sin()
    .add(v.at(1).pow(3).mul(v.at(2).exp()))

export const vectorFunction = (v: Tensor): Tensor => stack([v.at(0).mul(v.at(1)), v.at(2).sin(), v.sum().square()])
