// The encoder against binutils: every form, with all kinds of registers and displacements, is read back by objdump.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Assembler, type Memory } from '../../src/backend/x86/assembler.ts'
import { avx2 } from '../../src/backend/x86/avx2.ts'
import { avx512 } from '../../src/backend/x86/avx512.ts'
import { flags, general, type MaskName, masks, type VectorName, vectors } from '../../src/backend/x86/forms.ts'

const objdump = ((): boolean => {
  try {
    execFileSync('objdump', ['--version'])
    return true
  } catch {
    return false
  }
})()

/** What objdump reads: a line for each instruction, spaces and comments evened out. */
function disassemble(code: Uint8Array): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-objdump-'))
  try {
    const file = join(folder, 'code.bin')
    writeFileSync(file, code)
    const options = ['-D', '-b', 'binary', '-m', 'i386:x86-64', '-M', 'intel', '--no-show-raw-insn', file]
    return execFileSync('objdump', options, { encoding: 'utf8', maxBuffer: 2 ** 26 })
      .split('\n')
      .flatMap((line) => /^\s*[0-9a-f]+:\t(.*)$/.exec(line)?.[1] ?? [])
      .map((text) =>
        // Older and newer versions of objdump spell some things differently.
        text
          .replace(/\s*#.*$/, '')
          .replace(/\{evex\} |^rex /, '')
          .replace(/ BCST /, ' PTR ')
          .replace(/\{1to\d+\}/, '')
          .replace(/\s+/g, ' ')
          .trim(),
      )
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const wide = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ')
const narrow = 'eax ecx edx ebx esp ebp esi edi r8d r9d r10d r11d r12d r13d r14d r15d'.split(' ')
const byte = 'al cl dl bl spl bpl sil dil r8b r9b r10b r11b r12b r13b r14b r15b'.split(' ')
const hex = (n: number): string => (n < 0 ? `-0x${(-n).toString(16)}` : `+0x${n.toString(16)}`)
const place = (m: Memory, index: readonly string[] = wide): string => {
  if ('pool' in m) return '[rip]'
  const { base, displacement = 0, scale = 1 } = m
  const scaled = m.index === undefined ? '' : `+${index[m.index]}*${scale}`
  const always = (base & 7) === 5
  return `[${wide[base]}${scaled}${displacement !== 0 || always ? hex(displacement) : ''}]`
}
/** Instructions that are not tried on vectors of 16 bytes. */
const wideOnly: ReadonlySet<string> = new Set([
  'vshuff32x4',
  'vbroadcastss',
  'vbroadcastsd',
  'vpmovzxbd',
  'vpmovzxwd',
  'vpermps',
])
const file = { 16: 'xmm', 32: 'ymm', 64: 'zmm' } as const
const places: readonly Memory[] = [
  { base: 0 },
  { base: 4, displacement: 64 },
  { base: 13 },
  { base: 12, displacement: -128 },
  { base: 5, displacement: 4 },
  { base: 15, index: 9, displacement: 8128 },
  { base: 3, index: 6, scale: 8, displacement: 123456 },
  { base: 10, displacement: -8193 },
]

/** Instructions whose operands do not follow the common patterns. */
const special: { readonly [N in VectorName]?: true } = {
  vmovd: true,
  vmovdStore: true,
  vpbroadcastd: true,
  vpgatherdd: true,
  vpscatterdd: true,
  vmovss: true,
  vmovssStore: true,
  vmovupsStore: true,
  vmovntps: true,
  vpmovdb: true,
  vpmovd2m: true,
  vpmovm2d: true,
  vpslldi: true,
  vpsrldi: true,
  vpsradi: true,
  vmovsd: true,
  vmovsdStore: true,
  vmovupdStore: true,
  vmovntpd: true,
  vpsllqi: true,
  vpsrlqi: true,
  vpmovqd: true,
  vgatherdpd: true,
  vscatterdpd: true,
}
const twoOperands: readonly VectorName[] = [
  'vsqrtps',
  'vrndscaleps',
  'vcvttps2dq',
  'vcvtdq2ps',
  'vpabsd',
  'vmovups',
  'vmovaps',
  'vbroadcastss',
  'vpmovzxbd',
  'vpmovzxwd',
  'vsqrtpd',
  'vrndscalepd',
  'vmovupd',
  'vmovapd',
  'vbroadcastsd',
  'vcvtps2pd',
  'vcvtdq2pd',
  'vcvtpd2ps',
  'vcvttpd2dq',
  'vpmovzxdq',
  'vpmovsxdq',
  'vpermpd',
  'vpshufd',
]
/** Between vectors of float64 and of half the length: where the shorter one is. */
const shorter: { readonly [N in VectorName]?: 'to' | 'from' } = {
  vcvtps2pd: 'from',
  vcvtdq2pd: 'from',
  vpmovzxdq: 'from',
  vpmovzxwd: 'from',
  vcvtpd2ps: 'to',
  vcvttpd2dq: 'to',
}
const toMask: readonly VectorName[] = ['vcmppd', 'vcmpps', 'vpcmpd', 'vpcmpud', 'vptestmd']
const noBroadcast: readonly VectorName[] = [
  'vmovups',
  'vmovaps',
  'vbroadcastss',
  'vpmovzxbd',
  'vpmovzxwd',
  'vpslld',
  'vpsrld',
  'vpsrad',
  'vmovupd',
  'vmovapd',
  'vbroadcastsd',
  'vpmovzxdq',
  'vpmovzxwd',
]

/** Expected size of the memory operand, as objdump names it. */
function sizeOf(name: VectorName, bytes: 16 | 32 | 64): string {
  const { tuple } = vectors[name]
  const n = typeof tuple === 'number' ? tuple : bytes / { full: 1, half: 2, quarter: 4 }[tuple]
  return `${{ 4: 'DWORD', 8: 'QWORD', 16: 'XMMWORD', 32: 'YMMWORD', 64: 'ZMMWORD' }[n]} PTR `
}
/** objdump writes comparisons with the predicate in the name. */
const predicates = ['eq', 'lt', 'le', 'unord', 'neq', 'nlt', 'nle', 'ord']
const namedComparison = (name: VectorName, immediate: number): string | undefined =>
  name === 'vcmpps' || name === 'vcmppd'
    ? `vcmp${predicates[immediate]}${name.slice(4)}`
    : name === 'vpcmpd' || name === 'vpcmpud'
      ? `vpcmp${['eq', 'lt', 'le', 'false', 'neq', 'nlt', 'nle', 'true'][immediate]}${name.slice(5)}`
      : undefined

/** The first few lines that differ, so that a wrong prefix does not print thousands. */
function expectLines(code: Uint8Array, expected: readonly string[]): void {
  const lines = disassemble(code)
  const wrong = expected.flatMap((text, i) => (lines[i] === text ? [] : [`${text}  <>  ${lines[i]}`]))
  expect(wrong.slice(0, 20)).toEqual([])
}

it.skipIf(!objdump)('vectors read back as they were meant (needs objdump of binutils)', () => {
  const a = new Assembler(avx512)
  const expected: string[] = []
  for (const name of Object.keys(vectors) as VectorName[]) {
    if (special[name] || vectors[name].only === 'vex') continue
    const form = vectors[name]
    const two = twoOperands.includes(name)
    const mask = toMask.includes(name)
    for (const bytes of [16, 64] as const) {
      if (bytes === 16 && wideOnly.has(name)) continue
      const f = file[bytes]
      const half = bytes === 16 ? 'xmm' : 'ymm'
      for (const [d, s, t] of [
        [1, 2, 3],
        [9, 10, 11],
        [17, 18, 19],
        [25, 26, 31],
        [31, 7, 16],
        [0, 31, 8],
      ] as const) {
        const k = mask ? d & 7 : d
        const immediate = mask ? [1, 2, 4, 5][d & 3] : 9
        const text = (namedComparison(name, form.immediate ? immediate : 0) ?? name).replace(/^vptestmd$/, 'vptestmd')
        const tail = form.immediate && !namedComparison(name, 0) ? ',0x9' : ''
        const last =
          name === 'vpslld' ||
          name === 'vpsrld' ||
          name === 'vpsrad' ||
          name === 'vbroadcastss' ||
          name === 'vbroadcastsd'
            ? 'xmm'
            : name === 'vpmovzxbd'
              ? 'xmm'
              : shorter[name] === 'from'
                ? half
                : f
        const destination = mask ? `k${k}` : `${shorter[name] === 'to' ? half : f}${k}`
        const middle = two ? '' : `${f}${s},`
        a.vector(name, k, two ? 0 : s, t, { bytes, immediate })
        expected.push(`${text} ${destination},${middle}${last}${t}${tail}`)
        a.vector(name, k, two ? 0 : s, t, { bytes, immediate, mask: 5, ...(mask ? {} : { zero: true }) })
        expected.push(`${text} ${destination}{k5}${mask ? '' : '{z}'},${middle}${last}${t}${tail}`)
        for (const memory of places) {
          a.vector(name, k, two ? 0 : s, memory, { bytes, immediate })
          expected.push(`${text} ${destination},${middle}${sizeOf(name, bytes)}${place(memory)}${tail}`)
          if (noBroadcast.includes(name)) continue
          a.vector(name, k, two ? 0 : s, memory, { bytes, immediate, broadcast: true, mask: 1 })
          expected.push(`${text} ${destination}{k1},${middle}${form.wide ? 'Q' : 'D'}WORD PTR ${place(memory)}${tail}`)
        }
      }
    }
  }
  expectLines(a.finish(), expected)
})

it.skipIf(!objdump)('so do vectors in special places (needs objdump of binutils)', () => {
  const a = new Assembler(avx512)
  const expected: string[] = []
  const add = (text: string, emit: () => void): void => {
    emit()
    expected.push(text)
  }
  for (const [v, w, g] of [
    [1, 2, 3],
    [9, 18, 10],
    [17, 9, 0],
    [31, 30, 15],
  ] as const) {
    add(`vmovd xmm${v},${narrow[g]}`, () => a.vector('vmovd', v, 0, g, { bytes: 16 }))
    add(`vmovd ${narrow[g]},xmm${v}`, () => a.vector('vmovdStore', v, 0, g, { bytes: 16 }))
    add(`vpbroadcastd zmm${v},${narrow[g]}`, () => a.vector('vpbroadcastd', v, 0, g))
    add(`vpmovd2m k6,zmm${v}`, () => a.vector('vpmovd2m', 6, 0, v))
    add(`vpmovm2d zmm${v},k6`, () => a.vector('vpmovm2d', v, 0, 6))
    add(`vpslld zmm${v},zmm${w},0x17`, () => a.vector('vpslldi', v, 0, w, { immediate: 23 }))
    add(`vpsrld zmm${v},zmm${w},0x9`, () => a.vector('vpsrldi', v, 0, w, { immediate: 9 }))
    add(`vpsrad zmm${v},zmm${w},0x1f`, () => a.vector('vpsradi', v, 0, w, { immediate: 31 }))
    add(`vpsllq zmm${v},zmm${w},0x20`, () => a.vector('vpsllqi', v, 0, w, { immediate: 32, bytes: 64 }))
    add(`vpsrlq zmm${v},zmm${w},0x20`, () => a.vector('vpsrlqi', v, 0, w, { immediate: 32, bytes: 64 }))
    add(`vpmovqd ymm${w},zmm${v}`, () => a.vector('vpmovqd', v, 0, w, { bytes: 64 }))
    for (const m of places) {
      add(`vmovss xmm${v},DWORD PTR ${place(m)}`, () => a.vector('vmovss', v, 0, m, { bytes: 16 }))
      add(`vmovss DWORD PTR ${place(m)},xmm${v}`, () => a.vector('vmovssStore', v, 0, m, { bytes: 16 }))
      add(`vmovsd xmm${v},QWORD PTR ${place(m)}`, () => a.vector('vmovsd', v, 0, m, { bytes: 16 }))
      add(`vmovsd QWORD PTR ${place(m)},xmm${v}`, () => a.vector('vmovsdStore', v, 0, m, { bytes: 16 }))
      add(`vmovupd ZMMWORD PTR ${place(m)}{k3},zmm${v}`, () =>
        a.vector('vmovupdStore', v, 0, m, { mask: 3, bytes: 64 }),
      )
      add(`vmovntpd ZMMWORD PTR ${place(m)},zmm${v}`, () => a.vector('vmovntpd', v, 0, m, { bytes: 64 }))
      add(`vmovntps ZMMWORD PTR ${place(m)},zmm${v}`, () => a.vector('vmovntps', v, 0, m))
      add(`vmovups ZMMWORD PTR ${place(m)}{k3},zmm${v}`, () => a.vector('vmovupsStore', v, 0, m, { mask: 3 }))
      add(`vpmovdb XMMWORD PTR ${place(m)}{k3},zmm${v}`, () => a.vector('vpmovdb', v, 0, m, { mask: 3 }))
    }
    const indexed: Memory = { base: g === 15 ? 13 : 4, index: w, scale: 4, displacement: 8 }
    const zmm = Array.from({ length: 32 }, (_, i) => `zmm${i}`)
    add(`vpgatherdd zmm${v}{k2},DWORD PTR ${place(indexed, zmm)}`, () =>
      a.vector('vpgatherdd', v, 0, indexed, { mask: 2 }),
    )
    const ymm = Array.from({ length: 32 }, (_, i) => `ymm${i}`)
    add(`vgatherdpd zmm${v}{k2},QWORD PTR ${place(indexed, ymm)}`, () =>
      a.vector('vgatherdpd', v, 0, indexed, { mask: 2, bytes: 64 }),
    )
    add(`vscatterdpd QWORD PTR ${place(indexed, ymm)}{k2},zmm${v}`, () =>
      a.vector('vscatterdpd', v, 0, indexed, { mask: 2, bytes: 64 }),
    )
    add(`vpscatterdd DWORD PTR ${place(indexed, zmm)}{k2},zmm${v}`, () =>
      a.vector('vpscatterdd', v, 0, indexed, { mask: 2 }),
    )
  }
  for (const name of Object.keys(masks) as MaskName[]) {
    if (name === 'kmovwStore')
      add('kmovw WORD PTR [r9+0x10],k3', () => a.mask(name, 3, 0, { base: 9, displacement: 16 }))
    else if (name === 'kmovwFrom') add('kmovw k3,r9d', () => a.mask(name, 3, 0, 9))
    else if (name === 'kmovwTo') add('kmovw r9d,k3', () => a.mask(name, 9, 0, 3))
    else if (name === 'kmovw') add('kmovw k1,WORD PTR [rax]', () => a.mask(name, 1, 0, { base: 0 }))
    else if (masks[name].long) add(`${name} k7,k1,k2`, () => a.mask(name, 7, 1, 2))
    else add(`${name} k7,k2`, () => a.mask(name, 7, 0, 2))
  }
  add('vzeroupper', () => a.vzeroupper())
  expectLines(a.finish(), expected)
})

/** Forms in VEX encoding: what they are called there, and the files of their operands where these are not all vectors of one size. */
interface Vex {
  readonly name?: string
  /** Letters of the operands: x and y vectors of 16 and 32 bytes, g a general register, v either size, m memory only. */
  readonly operands: string
}
const plainThree: Vex = { operands: 'vvv' }
const plainTwo = { operands: 'vv' }
const vexForms: { readonly [N in VectorName]?: Vex } = {
  ...Object.fromEntries((Object.keys(vectors) as VectorName[]).map((name) => [name, plainThree])),
  ...Object.fromEntries(twoOperands.map((name) => [name, plainTwo])),
  vrndscaleps: { name: 'vroundps', operands: 'vv' },
  vrndscalepd: { name: 'vroundpd', operands: 'vv' },
  vbroadcastsd: { operands: 'yx' },
  vcvtps2pd: { operands: 'yx' },
  vcvtdq2pd: { operands: 'yx' },
  vpmovzxdq: { operands: 'yx' },
  vpmovzxwd: { operands: 'yx' },
  vpmovsxdq: { operands: 'yx' },
  vcvtpd2ps: { operands: 'xy' },
  vcvttpd2dq: { operands: 'xy' },
  vpermpd: { operands: 'yy' },
  vmovupdStore: { name: 'vmovupd', operands: 'Mv' },
  vmovsd: { operands: 'xm' },
  vmovsdStore: { name: 'vmovsd', operands: 'Mx' },
  vmaskmovpd: { operands: 'vvm' },
  vmaskmovpdStore: { name: 'vmaskmovpd', operands: 'Mvv' },
  vpsllqi: { name: 'vpsllq', operands: 'vv' },
  vpsrlqi: { name: 'vpsrlq', operands: 'vv' },
  vbroadcastss: { operands: 'vx' },
  vpmovzxbd: { operands: 'yx' },
  vmovupsStore: { name: 'vmovups', operands: 'Mv' },
  vmovntps: { operands: 'Mv' },
  vmovntpd: { operands: 'Mv' },
  vmovss: { operands: 'xm' },
  vmovssStore: { name: 'vmovss', operands: 'Mx' },
  vmovd: { operands: 'xg' },
  vmovdStore: { name: 'vmovd', operands: 'Gx' },
  vmovqStore: { name: 'vmovq', operands: 'Mx' },
  vmovmskps: { operands: 'gv' },
  vmaskmovps: { operands: 'vvm' },
  vmaskmovpsStore: { name: 'vmaskmovps', operands: 'Mvv' },
  vextracti128: { operands: 'Xy' },
  vperm2f128: { operands: 'yyy' },
  vpermps: { operands: 'yyy' },
  vpslld: { operands: 'vvx' },
  vpsrld: { operands: 'vvx' },
  vpsrad: { operands: 'vvx' },
  vpslldi: { name: 'vpslld', operands: 'vv' },
  vpsrldi: { name: 'vpsrld', operands: 'vv' },
  vpsradi: { name: 'vpsrad', operands: 'vv' },
}
/** Bytes of memory operands that are not those of the last vector. */
const vexMemory: { readonly [N in VectorName]?: string } = {
  vbroadcastss: 'DWORD',
  vmovss: 'DWORD',
  vmovssStore: 'DWORD',
  vbroadcastsd: 'QWORD',
  vmovsd: 'QWORD',
  vmovsdStore: 'QWORD',
  vmovd: 'DWORD',
  vmovdStore: 'DWORD',
  vmovqStore: 'QWORD',
  vpmovzxbd: 'QWORD',
}

it.skipIf(!objdump)('and so do vectors in VEX encoding (needs objdump of binutils)', () => {
  const a = new Assembler(avx2)
  const expected: string[] = []
  for (const name of Object.keys(vectors) as VectorName[]) {
    const form = vectors[name]
    if (form.only === 'evex' || form.indexed) continue
    const { name: text = name, operands } = vexForms[name] ?? plainThree
    // What is stored comes before what it is stored to, and general registers where vectors are to be.
    const stores = /^[MGX]/.test(operands)
    for (const bytes of [16, 32] as const) {
      if (bytes === 16 && !operands.includes('v')) continue
      const file = { v: bytes === 16 ? 'xmm' : 'ymm', x: 'xmm', y: 'ymm' }
      const register = (letter: string, n: number): string =>
        letter === 'g' || letter === 'G' ? narrow[n] : `${file[letter.toLowerCase() as 'x']}${n}`
      for (const [d, s, t] of [
        [1, 2, 3],
        [9, 10, 4],
        [7, 15, 13],
        [15, 0, 8],
      ] as const) {
        const blends = name === 'vblendvps' || name === 'vblendvpd'
        const compares = name === 'vcmpps' || name === 'vcmppd'
        const immediate = blends ? d << 4 : 9
        const tail = blends ? `,${register('v', d)}` : form.immediate && !compares ? ',0x9' : ''
        const shown = compares ? `vcmpnge${name.slice(4)}` : text
        const three = operands.length === 3
        const options = { bytes: operands.includes('v') ? bytes : operands.includes('y') ? 32 : 16, immediate } as const
        const [first, second, third] = operands
        const emit = (last: number | Memory): unknown => a.vector(name, d, three ? s : 0, last, options)
        const line = (last: string): void => {
          const middle = three ? `${register(stores ? third : second, s)},` : ''
          if (stores) expected.push(`${shown} ${last},${middle}${register(operands[operands.length - 1], d)}${tail}`)
          else expected.push(`${shown} ${register(first, d)},${middle}${last}${tail}`)
        }
        const lastLetter = stores ? first : (third ?? second)
        if (lastLetter !== 'm' && lastLetter !== 'M') {
          emit(t)
          line(register(lastLetter, t))
        }
        if (form.digit !== undefined || name === 'vmovmskps') continue
        const size = vexMemory[name] ?? (/[xX]/.test(lastLetter) ? 'XMMWORD' : bytes === 16 ? 'XMMWORD' : 'YMMWORD')
        for (const memory of places) {
          emit(memory)
          line(`${size} PTR ${place(memory)}`)
        }
      }
    }
  }
  const ymm = Array.from({ length: 16 }, (_, i) => `ymm${i}`)
  for (const [v, i, m] of [
    [1, 2, 3],
    [9, 12, 15],
  ] as const) {
    const indexed: Memory = { base: 13, index: i, scale: 4, displacement: 8 }
    a.vector('vpgatherdd', v, m, indexed)
    expected.push(`vpgatherdd ymm${v},DWORD PTR ${place(indexed, ymm)},ymm${m}`)
    const xmm = Array.from({ length: 16 }, (_, k) => `xmm${k}`)
    a.vector('vgatherdpd', v, m, indexed, { bytes: 32 })
    expected.push(`vgatherdpd ymm${v},QWORD PTR ${place(indexed, xmm)},ymm${m}`)
  }
  expectLines(a.finish(), expected)
})

it.skipIf(!objdump)('so do general registers, jumps and constants (needs objdump of binutils)', () => {
  const a = new Assembler(avx512)
  const expected: string[] = []
  const add = (text: string, emit: () => void): void => {
    emit()
    expected.push(text)
  }
  for (const [d, s] of [
    [0, 1],
    [4, 5],
    [6, 7],
    [9, 2],
    [3, 12],
    [15, 14],
  ] as const) {
    for (const [w, names] of [
      [false, narrow],
      [true, wide],
    ] as const) {
      const size = w ? 'QWORD' : 'DWORD'
      for (const name of Object.keys(general) as (keyof typeof general)[]) {
        add(`${name} ${names[d]},${names[s]}`, () => a.arithmetic(name, d, s, w))
        add(`${name} ${names[d]},0x7f`, () => a.arithmeticImmediate(name, d, 127, w))
        if (d !== 0) add(`${name} ${names[d]},0x12345`, () => a.arithmeticImmediate(name, d, 0x12345, w))
      }
      add(`mov ${names[d]},${names[s]}`, () => a.move(d, s, w))
      add(`imul ${names[d]},${names[s]}`, () => a.multiply(d, s, w))
      add(`test ${names[d]},${names[s]}`, () => a.test(d, s, w))
      add(`shl ${names[d]},0x5`, () => a.shift('shl', d, 5, w))
      add(`sar ${names[d]},0x5`, () => a.shift('sar', d, 5, w))
      add(`cmovl ${names[d]},${names[s]}`, () => a.moveIf('less', d, s, w))
      for (const m of places) {
        add(`mov ${names[d]},${size} PTR ${place(m)}`, () => a.move(d, m, w))
        add(`mov ${size} PTR ${place(m)},${names[s]}`, () => a.store(m, s, w))
        add(`lea ${names[d]},${place(m)}`, () => a.lea(d, m, w))
        add(`lock cmpxchg ${size} PTR ${place(m)},${names[s]}`, () => a.compareExchange(m, s, w))
        add(`xchg ${size} PTR ${place(m)},${names[s]}`, () => a.exchange(m, s, w))
        add(`add ${size} PTR ${place(m)},0x7`, () => a.arithmeticImmediate('add', m, 7, w))
      }
    }
    add(`shlx ${narrow[d]},${narrow[s]},${narrow[d]}`, () => a.shiftBy('shl', d, s, d))
    add(`shrx ${narrow[d]},${narrow[s]},${narrow[d]}`, () => a.shiftBy('shr', d, s, d))
    add(`sarx ${narrow[d]},${narrow[s]},${narrow[d]}`, () => a.shiftBy('sar', d, s, d))
    add(`neg ${narrow[d]}`, () => a.negate(d))
    add(`not ${narrow[d]}`, () => a.invert(d))
    add(`idiv ${narrow[s]}`, () => a.divide(true, s))
    add(`div ${narrow[s]}`, () => a.divide(false, s))
    add(`movzx ${narrow[d]},${byte[s]}`, () => a.loadByte(d, s))
    add(`movabs ${wide[d]},0x123456789abcdef0`, () => a.address(d, 0x123456789abcdef0n))
    add(`mov ${narrow[d]},0xfffffffe`, () => a.constantTo(d, -2))
    add(`push ${wide[d]}`, () => a.push(d))
    add(`pop ${wide[d]}`, () => a.pop(d))
    add(`call ${wide[d]}`, () => a.callRegister(d))
    for (const m of places) {
      add(`movzx ${narrow[d]},BYTE PTR ${place(m)}`, () => a.loadByte(d, m))
      add(`mov BYTE PTR ${place(m)},${byte[s]}`, () => a.storeByte(m, s))
      add(`lock xadd DWORD PTR ${place(m)},${narrow[s]}`, () => a.exchangeAdd(m, s))
      add(`mov DWORD PTR ${place(m)},0x1234`, () => a.storeImmediate(m, 0x1234))
    }
  }
  const setNames = ['o', 'b', 'ae', 'e', 'ne', 'be', 'a', 'l', 'ge', 'le', 'g']
  ;(Object.keys(flags) as (keyof typeof flags)[]).forEach((condition, i) => {
    add(`set${setNames[i]} sil`, () => a.set(condition, 6))
  })
  add('cdq', () => a.cdq())
  add('pause', () => a.pause())
  add('sfence', () => a.storeFence())
  add('cpuid', () => a.cpuid())
  add('xgetbv', () => a.xgetbv())
  add('prefetcht0 BYTE PTR [rax]', () => a.prefetch({ base: 0 }, 1))
  add('prefetcht1 BYTE PTR [r11]', () => a.prefetch({ base: 11 }, 2))
  add('ret', () => a.ret())
  expectLines(a.finish(), expected)
})

it('jumps go to their labels, and constants lie behind the code', () => {
  const a = new Assembler(avx512)
  const [back, forward] = [a.label(), a.label()]
  a.bind(back).jump(forward).jumpIf('less', back).bind(forward)
  a.vector('vaddps', 1, 2, a.constant(0x3f800000), { broadcast: true })
  a.vector('vrndscaleps', 1, 0, a.constant(7), { broadcast: true, immediate: 1 })
  a.vector('vaddps', 1, 2, a.constant(0x3f800000), { broadcast: true })
  const code = a.finish()
  const view = new DataView(code.buffer)
  expect(view.getInt32(1, true)).toBe(6)
  expect(view.getInt32(7, true)).toBe(-11)
  const displacement = (at: number, end: number): number => end + view.getInt32(at, true)
  const first = displacement(11 + 6, 21)
  expect(view.getInt32(first, true)).toBe(0x3f800000)
  expect(view.getInt32(displacement(21 + 6, 32), true)).toBe(7)
  expect(displacement(32 + 6, 42)).toBe(first)
  expect(first % 64).toBe(0)
  // Without EVEX nothing can be repeated, so it is in memory
  const b = new Assembler(avx2)
  const words = new Int32Array(b.vector('vaddps', 1, 2, b.constant(7), { broadcast: true }).finish().buffer, 64)
  expect([...words]).toEqual(new Array(8).fill(7))
  expect(() => new Assembler(avx512).jump(new Assembler(avx512).label()).finish()).toThrow()
})
