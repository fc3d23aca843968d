// The file of the package's workers in a page.
import { serve } from './index.ts'

serve()
