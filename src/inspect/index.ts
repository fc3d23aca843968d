// Looking inside: graphs as data and pictures, kernels by the clock, pieces of your own checked.

export { checkPiece, type PieceCheckOptions } from './check-piece.ts'
export {
  type GraphDescription,
  type GraphKind,
  type GraphNode,
  type GraphOptions,
  graphOf,
  type Values,
} from './graph.ts'
export { graphSvg, type PictureOptions } from './graph-svg.ts'
export { type Profile, profile } from './profile.ts'
