// Layers, by what they are for.

import { joints } from './joining.ts'
import { maps } from './maps.ts'
import { norms } from './normalization.ts'
import type { Piece } from './piece.ts'
import { pools } from './pooling.ts'
import { sequences } from './sequences.ts'

export const layers: { readonly [name: string]: Piece } = { ...maps, ...pools, ...norms, ...sequences, ...joints }
