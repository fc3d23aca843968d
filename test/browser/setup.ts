// In pages the suite's engine works on the page itself, where numbers can be read at once; what is about workers says so.
import { configure } from '../../src/tensor/index.ts'

configure({ worker: false })
