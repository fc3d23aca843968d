// Types of find-chromium.mjs for the TypeScript configuration files.
export declare const installChromium: string
export declare function findChromium(): string | undefined
