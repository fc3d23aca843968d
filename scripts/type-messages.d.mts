export function sentences(text: string): Map<number, string>
export function differences(options: {
  readonly source: string
  readonly folder: string
  readonly tsc: string
  readonly compilerOptions: object
}): string[]
