/** docs/stability.md, from the rules of stabilize, their examples and the table of finite functions. */

import { configure, grad, stabilizations, type Tensor, tensor } from '../../src/tensor/index.ts'
import { explanations, type RuleName } from '../../src/transform/stability/explanations.ts'
import { rules } from '../../src/transform/stability/rules.ts'
import { headingAnchors } from './anchors.ts'
import { type Entry, finiteTable, points } from './finite-table.ts'
import { type Example, examples } from './stability-examples.ts'

/** The text of the document. Numbers are those of the reference backend in float32. */
export function stabilityDocument(): string {
  configure({ backend: 'reference' })
  try {
    return `${[introduction(), overview(), ...ruleNames().map(ruleSection), untouched, exceptions()].join('\n\n')}\n`
  } finally {
    configure({ stabilize: true })
  }
}

const introduction = (): string => `# Stability

<!-- Made by \`npm run docs\` from the rules, their examples and the table of functions; edit those. -->

Some compositions are right on paper and wrong in floating point: an intermediate value overflows, underflows to 0 or loses its
digits, though the result is a moderate number. Tenon knows these combinations and rewrites them, before a gradient is taken and
before a value is computed, eagerly and in compiled functions alike. \`stabilizations(y)\` says what is rewritten, where and why;
\`TENON_DEBUG=stabilize\` prints it; \`configure({ stabilize: false })\` turns it off.

\`\`\`ts
const y = x.softmax().log().sum()
console.log(String(stabilizations(y)))
\`\`\`

\`\`\`text
${stabilizations(tensor([0, 1000]).softmax().log().sum())}
\`\`\`

A value that was read, assigned to a variable, or that one differentiates with respect to stays what it is, and nothing is
rewritten across it; the report warns of such places. With \`const p = x.softmax()\`, read, \`stabilizations(p.log().sum())\` says:

\`\`\`text
${warning()}
\`\`\`

Neither is anything across \`detach\`, where a gradient is asked for, or a \`customGradient\`.`

/** What is said of a combination that has to be left alone. */
function warning(): string {
  const p = tensor([0, 1000]).softmax()
  p.dataSync()
  return String(stabilizations(p.log().sum()))
}

/** The combinations on one screen. */
function overview(): string {
  const anchorOf = headingAnchors()
  const rows = ruleNames().map((name) => {
    const { from, to } = explanations[name]
    const [before, after] = [from, to].map((form) => `\`${form.replaceAll('|', '\\|')}\``)
    return `| ${before} | ${after} | [${name}](#${anchorOf(name)}) |`
  })
  return `## The rules

| combination | what is computed | why |
|---|---|---|
${rows.join('\n')}

So cross entropy of a softmax, binary cross entropy of a sigmoid, and the negative log likelihood of a softmax's logarithm are what is
computed from the logits at once. For each rule, below, numbers of the combination and of what takes its place, in float32.`
}

const ruleNames = (): RuleName[] => [...new Set(rules.map((r) => r.name))]

function ruleSection(name: RuleName): string {
  const shown = examples.filter((e) => e.rule === name)
  const { from, to, why } = explanations[name]
  const scope = rules.some((r) => r.name === name && r.only === 'gradient') ? ' Only where a gradient is taken.' : ''
  const [first] = shown
  const report = first && String(stabilizations(first.f(tensor(first.fails)))).split('\n')
  const line = report?.find((l) => l.startsWith(`${name}:`))
  return `### ${name}

\`${from}\` becomes \`${to}\`. ${why}${scope}

| written | at x = | value without | gradient without | value | gradient |
|---|---|---|---|---|---|
${shown.map(exampleRow).join('\n')}

The report: \`${line}\``
}

function exampleRow({ code, f, fails }: Example): string {
  const [before, after] = [false, true].map((stabilize) => {
    configure({ stabilize })
    return numbers(f, fails)
  })
  const cells = [`\`${code}\``, list(fails), before.value, before.gradient, after.value, after.gradient]
  return `| ${cells.join(' | ')} |`
}

function numbers(f: (x: Tensor) => Tensor, at: readonly number[]): { value: string; gradient: string } {
  const x = tensor(at)
  const y = f(x)
  return { value: list(y.dataSync()), gradient: list(grad(y.sum(), x).dataSync()) }
}

const list = (values: ArrayLike<number>): string => Array.from(values, number).join(', ')

function number(x: number): string {
  if (Number.isNaN(x)) return 'NaN'
  const size = Math.abs(x)
  const text = size === Infinity ? '∞' : String(Number(size.toPrecision(6)))
  return x < 0 ? `−${text}` : text
}

const untouched = `## What is not rewritten

- \`loss.binaryCrossEntropy\` of a sigmoid cuts its logarithms at −100, as PyTorch does, and its gradient vanishes where the sigmoid is
  rounded to 0 or 1. Nothing else has the same value: use \`loss.sigmoidBinaryCrossEntropy\` of the logits.
- \`softmax\` and \`logSoftmax\` of nothing but −∞ are 0 / 0 = NaN. Attention of a query that may see nothing is 0.
- \`var\` and \`std\` of as many elements as the correction takes away divide by 0.
- A branch of \`where\` that adds up or moves elements is not guarded beyond that: only pointwise work is.
- A condition made of the dangerous value itself, as in \`x.log().relu()\`, does not keep the value from being computed.`

function exceptions(): string {
  const rows = Object.entries(finiteTable).flatMap(([name, entry]) => exceptionRows(name, entry))
  return `## What cannot be finite

Every function and its gradient is finite, in float32 and float64, on every backend, at ${list(points.filter((x) => !Object.is(x, -0)))}
(at ±∞ the value may be infinite), but for these points of its domain:

| function | domain | at x = | not finite | why |
|---|---|---|---|---|
${rows.join('\n')}

Where a function has a kink the derivative is a convention, PyTorch's: relu′(0) = 0, abs′(0) = 0, the gradient of a norm or a standard
deviation at 0 is 0, \`clamp\` passes the gradient at its edges, \`max\` along an axis and max pooling give it to the first of equal
elements, \`amax\` and \`max\` over everything share it evenly.

All other ${Object.values(finiteTable).filter((e) => !e.exceptions?.length).length} of the ${Object.keys(finiteTable).length} functions in the table have no exception.`
}

const exceptionRows = (name: string, { domain, exceptions: listed = [] }: Entry): string[] =>
  listed.map(({ at, what, why, dtype }) => {
    const cells = [`\`${name}\``, domain?.[0] ?? 'all', list(at), what, dtype ? `${why} (${dtype})` : why]
    return `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |`
  })
