// Labels that are no class: refused where the numbers are known.

import { misfit } from '../graph/refuse.ts'
import { knownValues, type Tensor } from '../tensor/index.ts'

/** Throws on a label outside of the classes that is not the one to ignore; labels that are computed, or come into a compiled function, are not known yet. */
export function checkClasses(name: string, labels: Tensor, classes: number, ignored?: number): void {
  const wrong = knownValues(labels).find((label) => !(label >= 0 && label < classes) && label !== ignored)
  if (wrong !== undefined)
    throw misfit(`${name}: a label is ${wrong}: with ${classes} classes use 0 to ${classes - 1}, or ignoreIndex`)
}
