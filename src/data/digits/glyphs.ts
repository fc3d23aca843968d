/** How people write the ten digits: for each, a few styles, each a list of pen strokes. */

/** A point that the pen passes through, in a unit box (x right, y down); at a corner the pen changes direction at once. */
export interface PenPoint {
  readonly x: number
  readonly y: number
  readonly corner: boolean
}

/** The points of one movement of the pen, joined by smooth curves except at corners. */
export type Stroke = readonly PenPoint[]

/** The styles of each digit: `glyphs[7][2]` is the third way to write a seven. */
export const glyphs: readonly (readonly (readonly Stroke[])[])[] = [
  // 0: closed oval · overlapping start · leaning, with a small tail inside
  [
    strokes('52,4 28,14 16,48 26,84 50,96 74,84 84,48 72,14 50,4'),
    strokes('62,8 36,8 18,36 20,74 44,96 70,86 84,54 76,20 54,4 46,10'),
    strokes('70,12 46,4 24,24 16,60 32,92 60,92 80,64 80,28 62,6 52,18'),
  ],
  // 1: a line · with a flag · with flag and foot · slightly bent
  [
    strokes('50,3 50,97'),
    strokes('30,24 53,4! 52,97'),
    strokes('30,22 52,4! 52,96', '28,96 76,96'),
    strokes('57,3 50,50 46,97'),
  ],
  // 2: sharp foot · looped foot · wavy foot
  [
    strokes('20,26 30,8 54,3 76,16 76,38 52,66 18,95! 84,95'),
    strokes('20,24 34,6 60,4 78,22 70,48 44,76 24,92 16,84 28,76 50,88 72,96 88,88'),
    strokes('22,20 48,4 78,18 72,44 40,76 16,94! 50,90 84,96'),
  ],
  // 3: round with a notch · flat top · a small loop in the middle
  [
    strokes('20,14 46,3 74,16 70,38 44,47! 74,56 82,78 58,96 28,94 16,82'),
    strokes('20,5 78,5! 46,40! 74,52 82,76 60,95 30,95 16,84'),
    strokes('22,10 50,3 74,18 64,40 46,47 42,49 62,51 80,68 72,90 44,97 18,88'),
  ],
  // 4: open, two strokes · closed, one stroke · open and round
  [
    strokes('30,4 18,57! 84,57', '64,28 64,97'),
    strokes('86,64 15,64! 62,4! 62,97'),
    strokes('26,6 22,40 36,56 60,54 74,46', '76,6 70,50 66,97'),
  ],
  // 5: one stroke · hat added last · like an S
  [
    strokes('78,5 30,5! 26,44! 54,38 80,54 80,80 54,96 20,88'),
    strokes('32,6 26,46! 56,40 80,58 76,84 48,97 18,88', '32,6 82,4'),
    strokes('78,8 46,6 30,18 31,40 58,46 79,64 72,88 44,97 18,86'),
  ],
  // 6: a wide loop · a small loop · a tall stem
  [
    strokes('68,4 40,22 22,54 22,82 46,97 74,88 78,66 58,52 34,60 22,76'),
    strokes('58,3 34,32 20,66 34,95 64,94 76,74 62,58 38,60 24,76'),
    strokes('48,3 26,40 20,74 40,97 68,92 78,70 60,54 36,60 22,78'),
  ],
  // 7: plain · with a bar · with a serif · bent
  [
    strokes('18,8 82,8! 44,97'),
    strokes('18,8 80,8! 46,97', '34,52 72,50'),
    strokes('18,22 20,7! 80,8! 58,44 46,97'),
    strokes('18,10 50,12 82,6! 58,40 48,70 46,97'),
  ],
  // 8: one stroke · two circles · an S closed by a line
  [
    strokes('72,14 50,3 28,14 30,34 52,48 76,66 76,88 50,97 24,88 24,66 48,48 70,34 72,14'),
    strokes('50,3 30,12 30,36 50,46 70,36 70,12 50,3', '50,46 24,60 22,86 50,97 78,86 76,60 50,46'),
    strokes('76,16 54,3 30,12 32,34 58,50 78,72 66,94 38,95 24,76 40,54 66,36 76,16'),
  ],
  // 9: bent stem · straight stem · a curved tail
  [
    strokes('76,22 58,4 32,8 22,28 34,48 60,46 76,22! 74,56 68,97'),
    strokes('74,28 56,5 30,12 24,36 42,52 64,44 74,26! 74,97'),
    strokes('76,24 54,4 28,14 24,38 46,52 70,40 78,18 80,56 64,88 34,96'),
  ],
]

/** Reads strokes written as `x,y` in hundredths of the box, with `!` after a corner. */
function strokes(...paths: readonly string[]): readonly Stroke[] {
  return paths.map((path) =>
    path.split(' ').map((point) => {
      const [x, y] = point.replace('!', '').split(',').map(Number)
      return { x: x / 100, y: y / 100, corner: point.endsWith('!') }
    }),
  )
}
