// In pages the suite's engine works on the page itself, where numbers can be read at once; what is about workers says so.
import { engine } from '../../src/engine/direct.ts'
import { configure, runtime } from '../../src/tensor/index.ts'

configure({ worker: false })
runtime.engine = engine
