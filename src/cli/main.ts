#!/usr/bin/env node
// The `tenon` command.
process.stderr.write('tenon: the command line is not built yet\n')
process.exitCode = 1
