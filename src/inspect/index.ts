// Looking inside: graphs as data and pictures, kernels by the clock, pieces of your own checked.

export { type Activity, type ActivityOptions, type ActivityRow, activity } from './activity.ts'
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
export {
  type AffineMap,
  affineAt,
  type Interval,
  type LinearRegion,
  type LinearRegions,
  type LinearRegionsOptions,
  linearRegions,
} from './linear-regions.ts'
export { type Profile, profile } from './profile.ts'
export { regionBound } from './region-bound.ts'
export { type RegionsPictureOptions, regionsSvg } from './regions-svg.ts'
