// Numbers and commands as people read them.

/** The command that goes on with a run, spelled the way this one was started. */
export const resumeCommand = (recipe: string, folder: string): string =>
  `${programName()} train ${recipe} --resume --out ${quoted(folder)}`

/** An argument as a shell takes it. */
export const quoted = (argument: string): string => (/^[\w.,/-]+$/.test(argument) ? argument : JSON.stringify(argument))

/** `12.3 s`, `4 min 5 s`, `2 h 3 min`. */
export function duration(seconds: number): string {
  if (seconds < 100) return `${seconds.toFixed(1)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 100) return `${minutes} min ${Math.round(seconds % 60)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`

/** `61,706`. */
export const grouped = (count: number): string => count.toLocaleString('en-US')

/** How this program was started. */
export function programName(): string {
  const script = process.env.npm_lifecycle_event
  if (script === 'start') return 'npm start --'
  if (script === 'tenon') return 'npm run tenon --'
  return 'npx tenon'
}
