// Names of axes: carried by a shape's own array, so that operations which hand a shape on hand its names on.

type Dims = readonly number[]
export type Names = readonly (string | undefined)[]

export const namesOf = (shape: Dims): Names | undefined => (shape as { readonly names?: Names }).names

/** A shape with names for its axes. They do not count where shapes are compared, printed as data or sent elsewhere. */
export const withNames = (shape: Dims, names: Names): Dims =>
  names.some((name) => name !== undefined) ? Object.defineProperty([...shape], 'names', { value: names }) : shape

/** A shape whose axes are those of another, with the names that these have; `axes` says which is which. */
export function renamed(shape: number[], from: Dims, axes: readonly (number | undefined)[]): Dims {
  const names = namesOf(from)
  return names
    ? withNames(
        shape,
        axes.map((axis) => (axis === undefined ? undefined : names[axis])),
      )
    : shape
}
