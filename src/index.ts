// The public surface of Tenon: re-exports only.
export {}
