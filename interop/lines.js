'use strict'
// The driver protocol: one driver process is one device, and speaks JSON lines over stdin and
// stdout. A request is {"id":1,"do":"send",...}, its answer {"id":1,"ok":{...}} or
// {"id":1,"error":"NAME"}, and what happens unasked is {"event":"message",...}. See README.md.

const readline = require('node:readline')

const say = line => process.stdout.write(JSON.stringify(line) + '\n')
const emit = (event, data) => say({ event, ...data })

// Runs the operations of a driver until `close` or the end of stdin. Requests run side by side.
function serve(operations) {
  const lines = readline.createInterface({ input: process.stdin })
  let open = true
  const close = async () => {
    if (!open) return
    open = false
    await operations.close()
  }
  lines.on('line', async line => {
    const { id, do: name, ...args } = JSON.parse(line)
    try {
      if (!operations[name]) throw new Error(`this driver cannot ${name}`)
      const result = name === 'close' ? await close() : await operations[name](args)
      say({ id, ok: result ?? {} })
    } catch (e) {
      console.error(e)
      say({ id, error: e.text ?? e.message ?? String(e) })
    }
    if (name === 'close') process.exit(0)
  })
  lines.on('close', () => close().finally(() => process.exit(0)))
}

module.exports = { serve, emit }
