// Looking inside: graphs as data and pictures, kernels by the clock.

export { type Profile, profile } from './profile.ts'
