import { describeConfig, printConfig } from '@millrace/config'
import { SECTIONS } from './config.ts'
import { runCtl } from './program.ts'
import { createSession } from './session.ts'

const args = process.argv.slice(2)
// The reader of our results may leave early (`| head`); the write that meets that ends the command.
process.stdout.on('error', () => {})

if (args[0] === '--describe-config') process.stdout.write(describeConfig(SECTIONS))
else if (args[0] === '--print-config') process.stdout.write(printConfig(SECTIONS, process.env))
else {
  const console = { out: process.stdout, err: process.stderr, in: process.stdin }
  process.exit(await runCtl(args, createSession(process.env, console)))
}
