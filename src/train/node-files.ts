/** What training does with files and the terminal, in Node. */
export { readBytes, writeWhole } from './files.ts'
export { progressBar } from './progress-bar.ts'
export { createRun, openRun } from './run-folder.ts'
